/** What a shell shows in a second mostly fits, and costs no more. */
const SMALL_BYTES = 2 * 1024;
/** A flood's chunk, whatever its last line. */
const LARGE_BYTES = 512 * 1024;
/** So many of these are kept to be used again, for all recordings: new ones keep the garbage collector busy. */
const LARGE_KEPT_MAX = 16;
const largeKept: Buffer[] = [];

/** A character of a string is so many bytes of UTF-8 at most. */
const CHARACTER_BYTES_MAX = 3;

/** Lines as UTF-8, one after the other in one piece of memory, which grows. */
export class GatheredLines {
  private memory: Buffer = NOTHING;
  private used = 0;

  get bytes(): number {
    return this.used;
  }

  /** @returns how many bytes it is. */
  add(line: string): number {
    // Counting reads all of it once more, and is rarely needed.
    if (line.length * CHARACTER_BYTES_MAX > this.memory.length - this.used) {
      this.makeRoom(this.used + Buffer.byteLength(line));
    }
    const bytes = this.memory.write(line, this.used);
    this.used += bytes;
    return bytes;
  }

  /** Gives them all, and begins anew. They may be handed to {@link release} when nobody reads them any more. */
  take(): Buffer {
    const taken = this.memory.subarray(0, this.used);
    this.memory = NOTHING;
    this.used = 0;
    return taken;
  }

  private makeRoom(bytes: number): void {
    if (bytes <= this.memory.length) return;
    const larger = bytes <= SMALL_BYTES ? Buffer.allocUnsafe(SMALL_BYTES) : atLeast(bytes);
    larger.set(this.memory.subarray(0, this.used));
    this.memory = larger;
  }
}

/** What {@link GatheredLines.take} gave may be written over. */
export function release(taken: Buffer): void {
  if (taken.buffer.byteLength !== LARGE_BYTES || largeKept.length >= LARGE_KEPT_MAX) return;
  largeKept.push(Buffer.from(taken.buffer));
}

const NOTHING = Buffer.alloc(0);

function atLeast(bytes: number): Buffer {
  // Not of a pool: what is released is all of its memory.
  if (bytes > LARGE_BYTES) return Buffer.allocUnsafeSlow(2 * bytes);
  return largeKept.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES);
}
