const TILDE = 0x7e;
const DOT = 0x2e;
const LINE_ENDS: ReadonlySet<number> = new Set([0x0a, 0x0d]);

/**
 * The way out of a terminal that takes every key, as in ssh: `~.` at the beginning of a line. `~~` there is one `~`;
 * everything else goes through as it is, in its order.
 */
export class EscapeKeys {
  private state: 'line-start' | 'tilde' | 'inside' = 'line-start';

  /** What of the typed bytes goes to the other side, and whether the person wants out; what came after is dropped. */
  take(typed: Uint8Array): { readonly bytes: Uint8Array; readonly wantsOut: boolean } {
    const kept: number[] = [];
    for (const byte of typed) {
      if (this.state === 'tilde') {
        if (byte === DOT) {
          this.state = 'line-start';
          return { bytes: Uint8Array.from(kept), wantsOut: true };
        }
        kept.push(TILDE);
        this.state = 'inside';
        if (byte === TILDE) continue;
      } else if (this.state === 'line-start' && byte === TILDE) {
        this.state = 'tilde';
        continue;
      }
      kept.push(byte);
      this.state = LINE_ENDS.has(byte) ? 'line-start' : 'inside';
    }
    return { bytes: Uint8Array.from(kept), wantsOut: false };
  }
}
