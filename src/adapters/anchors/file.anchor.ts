import { open } from 'node:fs/promises';
import { z } from 'zod';
import { Anchor } from '../../app/ports/anchor.js';
import type { SignedHead } from '../../app/ports/log.store.js';

/** Some ten thousand checkpoints: what is before them is not read back. */
const TAIL_BYTES = 8 * 1024 * 1024;

const Line = z.object({ origin: z.string(), size: z.int().nonnegative(), note: z.string() });
type Line = z.output<typeof Line>;

/**
 * Checkpoints as lines of JSON at the end of a file, which is only ever added to: a medium that can be written once, or
 * `chattr +a`, will do.
 */
export class FileAnchor extends Anchor {
  readonly name: string;
  readonly everySeconds: number;
  private readonly path: string;

  constructor(args: {
    readonly name: string;
    readonly everySeconds: number;
    readonly path: string;
  }) {
    super();
    this.name = args.name;
    this.everySeconds = args.everySeconds;
    this.path = args.path;
  }

  async put({ origin, size, root, note }: SignedHead): Promise<void> {
    const line = JSON.stringify({ origin, size, root: root.toString('base64'), note });
    await using file = await open(this.path, 'a', 0o640);
    // A line that was cut off by a crash must not take this one with it.
    await file.appendFile(`\n${line}\n`);
    await file.sync();
  }

  async sizes(origin: string): Promise<readonly number[]> {
    const lines = await this.lines(origin);
    return [...new Set(lines.map(({ size }) => size))].sort((a, b) => b - a);
  }

  /** Of two of one size the one that was there first. */
  async noteOf(origin: string, size: number): Promise<string | undefined> {
    return (await this.lines(origin)).find((it) => it.size === size)?.note;
  }

  private async lines(origin: string): Promise<Line[]> {
    const text = await this.tail();
    return text.split('\n').flatMap((line) => {
      const read = Line.safeParse(jsonOf(line));
      return read.success && read.data.origin === origin ? [read.data] : [];
    });
  }

  private async tail(): Promise<string> {
    try {
      await using file = await open(this.path, 'r');
      const { size } = await file.stat();
      const length = Math.min(size, TAIL_BYTES);
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(length),
        position: size - length,
      });
      return buffer.subarray(0, bytesRead).toString('utf8');
    } catch (error) {
      // Before the first one is put there is none.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
