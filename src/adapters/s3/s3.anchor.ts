import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { hash } from 'node:crypto';
import { Anchor } from '../../app/ports/anchor.js';
import type { SignedHead } from '../../app/ports/log.store.js';
import type { ObjectLock } from '../../config/anchors.section.js';
import type { S3Config } from '../../config/recordings.section.js';
import { s3Client } from './s3.client.js';

const NOTE_BYTES_MAX = 64 * 1024;
const DAY_MS = 86_400_000;
const DIGITS = 16;

interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly version: string | undefined;
}

/**
 * Checkpoints as objects of an S3-compatible store, locked for as long as is configured. Their names begin with a number
 * that falls as sizes rise, so that the newest are listed first. Where they are locked,
 * versions are what is read: one that was put over another,
 * or a mark that it is deleted, hides nothing.
 */
export class S3Anchor extends Anchor {
  readonly name: string;
  readonly everySeconds: number;
  private readonly s3: S3Config;
  private readonly lock: ObjectLock | null;
  private readonly client: S3Client;

  constructor(args: {
    readonly name: string;
    readonly everySeconds: number;
    readonly s3: S3Config;
    readonly lock: ObjectLock | null;
  }) {
    super();
    this.name = args.name;
    this.everySeconds = args.everySeconds;
    this.s3 = args.s3;
    this.lock = args.lock;
    this.client = s3Client(args.s3);
  }

  async put({ origin, size, note, signedAt }: SignedHead): Promise<void> {
    await this.client.send(
      new PutObjectCommand({
        Bucket: this.s3.bucket,
        Key: this.key(origin, size),
        Body: note,
        ContentType: 'text/plain; charset=utf-8',
        ...(this.lock === null
          ? {}
          : {
              ObjectLockMode: this.lock.mode,
              ObjectLockRetainUntilDate: new Date(signedAt.getTime() + this.lock.days * DAY_MS),
              // S3 takes no lock without a checksum of what is locked.
              ChecksumAlgorithm: 'SHA256' as const,
            }),
      }),
    );
  }

  async sizes(origin: string): Promise<readonly number[]> {
    const folder = this.folder(origin);
    const sizes = (await this.listed(folder)).flatMap(({ key }) => {
      const left = key.slice(folder.length);
      return /^\d{16}$/.test(left) ? [Number.MAX_SAFE_INTEGER - Number(left)] : [];
    });
    return [...new Set(sizes)].sort((a, b) => b - a);
  }

  /** The first version of it that was put. */
  async noteOf(origin: string, size: number): Promise<string | undefined> {
    const key = this.key(origin, size);
    const first = (await this.listed(key)).filter((it) => it.key === key).at(-1);
    if (first === undefined || first.bytes > NOTE_BYTES_MAX) return undefined;
    const object = await this.client.send(
      new GetObjectCommand({
        Bucket: this.s3.bucket,
        Key: key,
        ...(first.version === undefined ? {} : { VersionId: first.version }),
      }),
    );
    return object.Body?.transformToString('utf8');
  }

  /** The first thousand, of each object the newest version first. A bucket without locks may have no versions. */
  private async listed(prefix: string): Promise<Listed[]> {
    const where = { Bucket: this.s3.bucket, Prefix: prefix };
    if (this.lock === null) {
      const { Contents = [] } = await this.client.send(new ListObjectsV2Command(where));
      return Contents.map(({ Key = '', Size = 0 }) => ({
        key: Key,
        bytes: Size,
        version: undefined,
      }));
    }
    const { Versions = [] } = await this.client.send(new ListObjectVersionsCommand(where));
    return Versions.map(({ Key = '', Size = 0, VersionId }) => ({
      key: Key,
      bytes: Size,
      version: VersionId,
    }));
  }

  close(): void {
    this.client.destroy();
  }

  private key(origin: string, size: number): string {
    return `${this.folder(origin)}${String(Number.MAX_SAFE_INTEGER - size).padStart(DIGITS, '0')}`;
  }

  /** Origins have slashes and whatever else: the folder is named by their hash. */
  private folder(origin: string): string {
    const { prefix } = this.s3;
    return `${prefix === '' ? '' : `${prefix}/`}${hash('sha256', origin).slice(0, 16)}/`;
  }
}
