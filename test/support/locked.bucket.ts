import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly key: string;
  readonly id: string;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
  readonly isDeletion: boolean;
}

const PAGE = 1_000;

/** As much of S3 as a bucket with versions and object lock takes: put, get, list versions, delete by a mark. */
export class LockedBucket implements AsyncDisposable {
  readonly versions: Version[] = [];
  private readonly server = createServer((request, response) => {
    void this.answer(request).then(({ status, body }) => response.writeHead(status).end(body));
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<LockedBucket> {
    const bucket = new LockedBucket();
    await new Promise<void>((resolve) => bucket.server.listen(0, '127.0.0.1', resolve));
    return bucket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** As if somebody had put something there. */
  holds(key: string, isDeletion = false): void {
    const body = Buffer.from('x');
    this.versions.push({ key, id: `v${this.versions.length}`, body, headers: {}, isDeletion });
  }

  /** As if somebody had deleted it. */
  marks(key: string): void {
    this.holds(key, true);
  }

  private async answer(
    request: IncomingMessage,
  ): Promise<{ status: number; body: Buffer | string }> {
    const url = new URL(request.url ?? '', 'http://bucket');
    const key = decodeURIComponent(url.pathname).split('/').slice(2).join('/');
    const query = url.searchParams;
    const body = Buffer.concat(await request.toArray());
    const { headers } = request;
    if (request.method === 'PUT' || request.method === 'DELETE') {
      const isDeletion = request.method === 'DELETE';
      this.versions.push({ key, id: `v${this.versions.length}`, body, headers, isDeletion });
      return { status: 200, body: '' };
    }
    if (query.has('versions')) {
      const after = { key: query.get('key-marker') ?? '', id: query.get('version-id-marker') };
      return { status: 200, body: this.list(query.get('prefix') ?? '', after) };
    }
    const id = query.get('versionId');
    const found = this.versions.findLast((it) => it.key === key && (id === null || it.id === id));
    return found === undefined || found.isDeletion
      ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
      : { status: 200, body: found.body };
  }

  /** By key, the newest version of each first; a thousand of them, as S3 does. */
  private list(
    prefix: string,
    after: { readonly key: string; readonly id: string | null },
  ): string {
    const found = this.versions.toReversed().filter(({ key }) => key.startsWith(prefix));
    const sorted = found.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    const begin = sorted.findIndex(({ key, id }) => key === after.key && id === after.id) + 1;
    const page = sorted.slice(begin, begin + PAGE);
    const last = page.at(-1);
    const next =
      last && begin + PAGE < sorted.length
        ? `<IsTruncated>true</IsTruncated><NextKeyMarker>${last.key}</NextKeyMarker><NextVersionIdMarker>${last.id}</NextVersionIdMarker>`
        : '<IsTruncated>false</IsTruncated>';
    const items = page.map(({ key, id, body, isDeletion }) =>
      isDeletion
        ? `<DeleteMarker><Key>${key}</Key><VersionId>${id}</VersionId></DeleteMarker>`
        : `<Version><Key>${key}</Key><VersionId>${id}</VersionId><Size>${body.length}</Size></Version>`,
    );
    return `<ListVersionsResult>${next}${items.join('')}</ListVersionsResult>`;
  }
}
