import { createHash } from 'node:crypto';

/** Counts and digests bytes that pass and are not kept. */
export class ByteDigest {
  private readonly hash = createHash('sha256');
  private bytes = 0;

  constructor(private readonly name: string) {}

  add(data: Uint8Array): void {
    this.hash.update(data);
    this.bytes += data.length;
  }

  /** `Input: 1234 bytes, SHA-256 …`; nothing where there were none. To be asked for once. */
  end(): readonly string[] {
    if (this.bytes === 0) return [];
    return [`${this.name}: ${this.bytes} bytes, SHA-256 ${this.hash.digest('hex')}`];
  }
}
