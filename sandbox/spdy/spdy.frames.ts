/** The control frames of SPDY/3.1 that are used here (draft-mbelshe-httpbis-spdy-00 §2.6). */
export const controls = {
  openStream: 1,
  replyToStream: 2,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** The sender will send no more on this stream. */
export const lastFlag = 1;

export const resetReasons = { protocolError: 1, invalidStream: 2, cancel: 5 } as const;

export type RawFrame =
  | { kind: 'data'; stream: number; isLast: boolean; payload: Buffer }
  | { kind: 'control'; type: number; flags: number; payload: Buffer };

const version = 3;
const controlBit = 0x80_00_00_00;
const number31 = 0x7f_ff_ff_ff;
const headBytes = 8;

/**
 * The frames of a connection, however its bytes were cut. One is 16 MiB at most, which its length field says by itself.
 * Ends with the source; throws where it is another version of SPDY, or none at all.
 */
export async function* readFrames(source: AsyncIterable<unknown>): AsyncGenerator<RawFrame> {
  const bytes = new ByteReader(source);
  for (;;) {
    const head = await bytes.take(headBytes);
    if (head === undefined) return;
    const first = head.readUInt32BE(0);
    const flags = head.readUInt8(4);
    const payload = await bytes.take(head.readUIntBE(5, 3));
    if (payload === undefined) return;
    if (first < controlBit) {
      yield { kind: 'data', stream: first, isLast: (flags & lastFlag) !== 0, payload };
      continue;
    }
    if ((head.readUInt16BE(0) & 0x7f_ff) !== version) throw new Error('this is not SPDY/3.1');
    yield { kind: 'control', type: head.readUInt16BE(2), flags, payload };
  }
}

export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(0x80_00 | version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** What precedes the data itself, which is not copied. */
export function dataHead(stream: number, bytes: number, { isLast }: { isLast: boolean }): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(stream, 0);
  head.writeUInt8(isLast ? lastFlag : 0, 4);
  head.writeUIntBE(bytes, 5, 3);
  return head;
}

export function resetFrame(stream: number, reason: number): Buffer {
  return controlFrame(controls.resetStream, numbers(stream, reason));
}

export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32BE(value, at * 4));
  return bytes;
}

/** The stream that a control frame is about. */
export function streamOf(payload: Buffer): number {
  if (payload.length < 4) throw new Error('a control frame that is cut off');
  return payload.readUInt32BE(0) & number31;
}

class ByteReader {
  readonly #source: AsyncIterator<unknown>;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(source: AsyncIterable<unknown>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** So many bytes, or undefined where the source ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#length < count) {
      const next: IteratorResult<unknown, unknown> = await this.#source.next();
      if (next.done === true) return undefined;
      const { value } = next;
      if (!(value instanceof Uint8Array)) throw new Error('a source of something else than bytes');
      this.#parts.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      this.#length += value.byteLength;
    }
    const [first = Buffer.alloc(0)] = this.#parts;
    const all = first.length >= count ? first : Buffer.concat(this.#parts);
    const rest = all.subarray(count);
    this.#parts = all === first ? [rest, ...this.#parts.slice(1)] : [rest];
    if (rest.length === 0) this.#parts.shift();
    this.#length -= count;
    return all.subarray(0, count);
  }
}
