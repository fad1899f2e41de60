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

/** A look takes no more checkpoints than that. */
const SIZES_MAX = 1_000;
/** Of a thousand each. Whoever fills more of them with something else is somebody to look for. */
const PAGES_MAX = 50;
const NOTE_BYTES_MAX = 64 * 1024;
const DAY_MS = 86_400_000;
const DIGITS = 16;

interface Listed {
  readonly key: string;
  readonly bytes: number;
  readonly version: string | undefined;
}

/** Where the next page begins. */
interface Next {
  readonly token?: string | undefined;
  readonly key?: string | undefined;
  readonly version?: string | undefined;
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
    const sizes = new Set<number>();
    for await (const page of this.pages(folder)) {
      for (const { key } of page) {
        const left = key.slice(folder.length);
        if (/^\d{16}$/.test(left)) sizes.add(Number.MAX_SAFE_INTEGER - Number(left));
      }
      if (sizes.size >= SIZES_MAX) break;
    }
    return [...sizes].sort((a, b) => b - a);
  }

  /** The first version of it that was put. */
  async noteOf(origin: string, size: number): Promise<string | undefined> {
    const key = this.key(origin, size);
    let first: Listed | undefined;
    for await (const page of this.pages(key)) {
      first = page.findLast((it) => it.key === key) ?? first;
    }
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

  /**
   * What is there, in the order of the keys, of each object the newest version first. A page may hold nothing but marks
   * of deletions, and more may come after it all the same.
   *
   * @throws where there is more than is read.
   */
  private async *pages(prefix: string): AsyncGenerator<readonly Listed[]> {
    let next: Next | undefined;
    for (let page = 1; page <= PAGES_MAX; page++) {
      const { listed, after } = await this.page(prefix, next);
      yield listed;
      if (after === undefined) return;
      next = after;
    }
    throw new Error(
      `below ${prefix} in the bucket ${this.s3.bucket} are more than ${PAGES_MAX} pages of things that are no checkpoints of this log: somebody has put them there. Remove them, or configure another anchor, of another name, in its place`,
    );
  }

  /** A bucket without locks may have no versions. */
  private async page(
    prefix: string,
    next: Next = {},
  ): Promise<{ readonly listed: readonly Listed[]; readonly after: Next | undefined }> {
    const where = { Bucket: this.s3.bucket, Prefix: prefix };
    if (this.lock === null) {
      const found = await this.client.send(
        new ListObjectsV2Command({ ...where, ContinuationToken: next.token }),
      );
      const { Contents = [], IsTruncated, NextContinuationToken: token } = found;
      const listed = Contents.map(({ Key = '', Size = 0 }) => listedOf(Key, Size));
      return { listed, after: after(IsTruncated, token, { token }) };
    }
    const found = await this.client.send(
      new ListObjectVersionsCommand({
        ...where,
        KeyMarker: next.key,
        VersionIdMarker: next.version,
      }),
    );
    const { Versions = [], IsTruncated, NextKeyMarker: key, NextVersionIdMarker: version } = found;
    const listed = Versions.map(({ Key = '', Size = 0, VersionId }) =>
      listedOf(Key, Size, VersionId),
    );
    return { listed, after: after(IsTruncated, key, { key, version }) };
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

function listedOf(key: string, bytes: number, version?: string): Listed {
  return { key, bytes, version };
}

/** @throws where more is there, and it is not said where. */
function after(isTruncated: boolean | undefined, begins: string | undefined, next: Next) {
  if (isTruncated !== true) return undefined;
  if (!begins) throw new Error('the store says that there is more, and not where it begins');
  return next;
}
