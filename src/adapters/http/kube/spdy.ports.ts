import type { Inflate } from 'node:zlib';
import { constants, createInflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy.dictionary.js';

const FRAME_HEADER = 8;
/** Control frames hold headers; a client's are a few words. */
const CONTROL_BYTES_MAX = 64 * 1024;
const HEADERS_BYTES_MAX = 64 * 1024;

/** Where the compressed headers begin in the control frames that have some (SPDY/3 §2.6.1 and §2.6.7); by type. */
const HEADERS_AT: Readonly<Record<number, number>> = { 1: 10, 8: 4 };
const SYN_STREAM = 1;

/**
 * Reads off what a client sends on a port-forward which ports it reaches for: each stream that it opens names one in
 * its headers (K8s portforward.k8s.io). Holds no more than one control frame.
 */
export class SpdyPorts {
  private readonly inflate: Inflate = createInflate({
    dictionary: SPDY_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
  });
  private head = Buffer.alloc(0);
  private control: { readonly type: number; readonly parts: Buffer[]; left: number } | undefined;
  private dataLeft = 0;
  private dataSeen = 0;
  private failed: Error | undefined;
  private readonly broken = Promise.withResolvers<undefined>();
  private plain: Buffer[] = [];

  constructor() {
    this.inflate.on('error', (error) => {
      this.failed = error;
      this.broken.resolve(undefined);
    });
    this.inflate.on('data', (part: Buffer) => {
      this.plain.push(part);
      const bytes = this.plain.reduce((sum, { length }) => sum + length, 0);
      if (bytes > HEADERS_BYTES_MAX) this.inflate.destroy(new Error(`headers of ${bytes} bytes`));
    });
  }

  /** How much of what was seen goes to the ports, in bytes: neither what opens streams nor pings. */
  get dataBytes(): number {
    return this.dataSeen;
  }

  /** The ports in the next bytes. @throws Error where this is no SPDY that is understood. */
  async see(bytes: Buffer): Promise<number[]> {
    const ports: number[] = [];
    for (let at = 0; at < bytes.length;) {
      if (this.dataLeft > 0) {
        const passed = Math.min(this.dataLeft, bytes.length - at);
        this.dataLeft -= passed;
        this.dataSeen += passed;
        at += passed;
      } else if (this.control) {
        const part = bytes.subarray(at, at + this.control.left);
        this.control.parts.push(part);
        this.control.left -= part.length;
        at += part.length;
      } else {
        const part = bytes.subarray(at, at + FRAME_HEADER - this.head.length);
        this.head = Buffer.concat([this.head, part]);
        at += part.length;
        if (this.head.length === FRAME_HEADER) this.begin();
      }
      if (this.control?.left === 0) {
        const { type, parts } = this.control;
        this.control = undefined;
        ports.push(...(await this.portsIn(type, Buffer.concat(parts))));
      }
    }
    return ports;
  }

  close(): void {
    this.inflate.destroy();
  }

  private begin(): void {
    const length = this.head.readUInt32BE(4) & 0xffffff;
    const isControl = (this.head[0] ?? 0) >= 0x80;
    if (!isControl) this.dataLeft = length;
    else if (length > CONTROL_BYTES_MAX) throw new Error(`a control frame of ${length} bytes`);
    else this.control = { type: this.head.readUInt16BE(2), parts: [], left: length };
    this.head = Buffer.alloc(0);
  }

  private async portsIn(type: number, frame: Buffer): Promise<number[]> {
    const from = HEADERS_AT[type];
    if (from === undefined) return [];
    // One compression runs through all headers: none may be left out.
    const headers = readHeaders(await this.inflated(frame.subarray(from)));
    if (type !== SYN_STREAM) return [];
    const port = Number(headers.get('port'));
    if (!(port >= 1 && port <= 65_535)) throw new Error('a stream to no port');
    return [port];
  }

  private async inflated(block: Buffer): Promise<Buffer> {
    // A write of what cannot be inflated is never called back.
    await Promise.race([
      new Promise<void>((resolve) => this.inflate.write(block, () => resolve())),
      this.broken.promise,
    ]);
    // What was inflated is handed out by then.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failed) throw this.failed;
    const plain = Buffer.concat(this.plain);
    this.plain = [];
    return plain;
  }
}

/** SPDY/3 §2.6.10: a count, then names and values, each with its length before it. */
function readHeaders(block: Buffer): Map<string, string> {
  let at = 0;
  const number = (): number => {
    const value = block.readUInt32BE(at);
    at += 4;
    return value;
  };
  const text = (): string => {
    const length = number();
    const value = block.toString('latin1', at, at + length);
    at += length;
    return value;
  };
  const count = number();
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = text();
    headers.set(name.toLowerCase(), text());
  }
  return headers;
}
