import type { S3Client } from '@aws-sdk/client-s3';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Config } from '../../config/recordings.section.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import { s3Client } from './s3.client.js';

/** One by one: not all that is compatible with S3 knows how to delete many at once. */
const DELETES_AT_ONCE = 16;
const CHUNK_BYTES_MAX = 8 * 1024 * 1024;

/** Chunks as objects `<prefix>/<recording>/<number>` of an S3-compatible store. */
export class S3Bodies {
  private readonly client: S3Client;

  constructor(private readonly config: S3Config) {
    this.client = s3Client(config);
  }

  async put(id: RecordingId, seq: number, bytes: Uint8Array): Promise<void> {
    await this.client.send(
      new PutObjectCommand({
        Bucket: this.config.bucket,
        Key: this.key(id, seq),
        Body: bytes,
        ContentType: 'application/gzip',
      }),
    );
  }

  /** Throws where there is no such object. */
  async get(id: RecordingId, seq: number): Promise<Uint8Array> {
    const found = await this.client.send(
      new GetObjectCommand({ Bucket: this.config.bucket, Key: this.key(id, seq) }),
    );
    if ((found.ContentLength ?? 0) > CHUNK_BYTES_MAX)
      throw new Error(`the object ${this.key(id, seq)} is larger than any chunk`);
    if (!found.Body) throw new Error(`the object ${this.key(id, seq)} has no body`);
    return found.Body.transformToByteArray();
  }

  /** Removes chunks 1 to `chunks`; those that are gone already do no harm. */
  async drop(id: RecordingId, chunks: number): Promise<void> {
    for (let from = 1; from <= chunks; from += DELETES_AT_ONCE) {
      const count = Math.min(DELETES_AT_ONCE, chunks - from + 1);
      await Promise.all(
        Array.from({ length: count }, (_, at) =>
          this.client.send(
            new DeleteObjectCommand({ Bucket: this.config.bucket, Key: this.key(id, from + at) }),
          ),
        ),
      );
    }
  }

  close(): void {
    this.client.destroy();
  }

  private key(id: RecordingId, seq: number): string {
    const { prefix } = this.config;
    return `${prefix === '' ? '' : `${prefix}/`}${id}/${seq}`;
  }
}
