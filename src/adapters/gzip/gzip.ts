import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** What a chunk of a recording may become when it is unpacked, in bytes: far more than is ever packed into one. */
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

/** The least that zlib takes for a piece of what it makes. */
const PIECE_BYTES_MIN = 64;

/** Fast rather than small: measured 450 MB/s, to a fifth. Its state has 96 kB; with zlib's own choice 268 kB, for nothing. */
const FAST = { level: 1, windowBits: 13, memLevel: 7 } as const;

/**
 * Compresses with gzip (RFC 1952), off the main thread. In one piece where it can: for each piece it comes back to the
 * main thread, which has much to do just then.
 */
export function compress(data: Buffer): Promise<Buffer> {
  return pack(data, { ...FAST, chunkSize: PIECE_BYTES_MIN + Math.ceil(data.length / 3) });
}

/** The same undone. Throws where it is no gzip, or unpacks to more than any chunk holds. */
export function decompress(bytes: Uint8Array): Promise<Buffer> {
  return unpack(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
}
