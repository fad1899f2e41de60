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
  /** What was read, for as long as the file is the same: a walk asks for each of its lines. */
  private read: { readonly state: string; readonly lines: readonly Line[] } | undefined;

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
    return (await this.tail()).filter((line) => line.origin === origin);
  }

  private async tail(): Promise<readonly Line[]> {
    try {
      await using file = await open(this.path, 'r');
      const { size, ino, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
      // Nobody but who has the machine sets the time of the last change of a file.
      const state = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      if (this.read?.state === state) return this.read.lines;
      const length = Math.min(Number(size), TAIL_BYTES);
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(length),
        position: Number(size) - length,
      });
      const text = buffer.subarray(0, bytesRead).toString('utf8');
      const lines = text.split('\n').flatMap((line) => {
        const read = Line.safeParse(jsonOf(line));
        return read.success ? [read.data] : [];
      });
      this.read = { state, lines };
      return lines;
    } catch (error) {
      // Before the first one is put there is none.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
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
