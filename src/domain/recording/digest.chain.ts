import { createHash } from 'node:crypto';

/** The digest that a recording begins with: SHA-256 of its header line, the end of line included. */
export function firstDigest(header: string): Buffer {
  return createHash('sha256').update(`${header}\n`).digest();
}

/**
 * The digest after one more chunk: SHA-256 of the digest before it and the chunk's bytes as they are stored. So the last
 * one, which the audit log keeps, is of all chunks in their order; anybody can reckon it with `sha256sum`.
 */
export function nextDigest(before: Uint8Array, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(before).update(bytes).digest();
}
