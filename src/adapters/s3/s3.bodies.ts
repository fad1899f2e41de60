import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3Config } from '../../config/recordings.section.js';
import type { RecordingId } from '../../domain/recording/recording.js';

const CONNECT_MS_MAX = 2_000;
const REQUEST_MS_MAX = 5_000;
/** One by one: not all that is compatible with S3 knows how to delete many at once. */
const DELETES_AT_ONCE = 16;
const CHUNK_BYTES_MAX = 8 * 1024 * 1024;
const SOCKETS_MAX = 64;

/** Chunks as objects `<prefix>/<recording>/<number>` of an S3-compatible store. */
export class S3Bodies {
  private readonly client: S3Client;

  constructor(private readonly config: S3Config) {
    const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey } = config;
    this.client = new S3Client({
      region,
      forcePathStyle,
      ...(endpoint === null ? {} : { endpoint }),
      // Without keys of its own the SDK looks for what the platform gives: a role of the Pod or of the machine.
      ...(accessKeyId === null || secretAccessKey === null
        ? {}
        : { credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() } }),
      // Whoever writes tries again, within its own time.
      maxAttempts: 1,
      // Checksums of other kinds than S3 asks for are not understood by all that are compatible with it.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        throwOnRequestTimeout: true,
        httpAgent: { maxSockets: SOCKETS_MAX },
        httpsAgent: { maxSockets: SOCKETS_MAX },
      },
    });
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
