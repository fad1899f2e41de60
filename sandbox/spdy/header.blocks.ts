import { constants, createDeflate, createInflate } from 'node:zlib';
import type { Deflate, Inflate } from 'node:zlib';
import { headerDictionary } from './header.dictionary.js';

/** Names in lower case, as SPDY has them. Several values of one name are parted by NUL. */
export type Headers = Readonly<Record<string, string>>;

/** A header block that is none: the connection cannot be understood any more. */
export class HeaderBlockError extends Error {
  override readonly name = 'HeaderBlockError';
}

/** Reads the header blocks of one direction of a connection: each can only be read after those before it. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({
    dictionary: headerDictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });

  /** One block at a time. Rejects with a HeaderBlockError. A block of more than 64 KiB is never done. */
  async read(block: Buffer): Promise<Headers> {
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new HeaderBlockError('not packed as SPDY/3.1 has it'));
      // A write that fails is told by the event alone.
      this.#inflate.once('error', fail);
      this.#inflate.write(block, () => {
        this.#inflate.off('error', fail);
        resolve();
      });
    });
    return parseHeaders(take(this.#inflate));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

/** Writes the header blocks of the other direction, one at a time. */
export class HeaderWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: headerDictionary });

  async write(headers: Headers): Promise<Buffer> {
    this.#deflate.write(makeHeaders(headers));
    await new Promise<void>((resolve) => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    return take(this.#deflate);
  }

  close(): void {
    this.#deflate.destroy();
  }
}

function take(stream: Inflate | Deflate): Buffer {
  const parts: Buffer[] = [];
  for (let part: unknown = stream.read(); Buffer.isBuffer(part); part = stream.read()) {
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function makeHeaders(headers: Headers): Buffer {
  const entries = Object.entries(headers);
  const word = (text: string): Buffer =>
    Buffer.concat([number(Buffer.byteLength(text)), Buffer.from(text)]);
  return Buffer.concat([number(entries.length), ...entries.flat().map(word)]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function parseHeaders(block: Buffer): Headers {
  let at = 0;
  const next = (): number => {
    if (at + 4 > block.length) throw new HeaderBlockError('a header block that is cut off');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const word = (): string => {
    const length = next();
    if (at + length > block.length) throw new HeaderBlockError('a header block that is cut off');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = next();
  const headers: Record<string, string> = {};
  for (let each = 0; each < count; each++) {
    const name = word();
    headers[name.toLowerCase()] = word();
  }
  return headers;
}
