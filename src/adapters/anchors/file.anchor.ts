import { open } from 'node:fs/promises';
import { z } from 'zod';
import { Anchor } from '../../app/ports/anchor.js';
import type { SignedHead } from '../../app/ports/log.store.js';

/** Some ten thousand checkpoints: what is before them is not read back. */
const TAIL_BYTES = 8 * 1024 * 1024;

/** Shorter than any of ours: a signature alone has a hundred. What is short is not read, however many lines it has. */
const LINE_CHARACTERS_MIN = 150;
/** As each line begins that is put here. */
const BEGINNING = '{"origin":';

const Line = z.object({ origin: z.string(), size: z.int().nonnegative(), note: z.string() });
type Line = z.output<typeof Line>;

interface Tail {
  readonly state: string;
  readonly lines: readonly Line[];
  /** Whether it is all of the file. */
  readonly isWhole: boolean;
}

/**
 * Checkpoints as lines of JSON at the end of a file, which is only ever added to: a medium that can be written once, or
 * `chattr +a`, will do.
 */
export class FileAnchor extends Anchor {
  readonly name: string;
  readonly everySeconds: number;
  private readonly path: string;
  /** What was read, for as long as the file is the same: a walk asks for each of its lines. */
  private read: Tail | undefined;

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

  /** So that a file which is not there later is one that is not reached. */
  override async begin(): Promise<void> {
    try {
      await using _file = await open(this.path, 'ax', 0o640);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
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
    const { lines, isWhole } = await this.tail();
    const ours = lines.filter((line) => line.origin === origin);
    if (ours.length === 0 && !isWhole) {
      throw new Error(
        `the last ${TAIL_BYTES} bytes of ${this.path} hold no checkpoint of this log: somebody has written something else there. Move it away and compare its older lines, then configure another anchor, of another name, in its place`,
      );
    }
    return ours;
  }

  private async tail(): Promise<Tail> {
    try {
      await using file = await open(this.path, 'r');
      const { size, ino, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
      // Nobody but who has the machine sets the time of the last change of a file.
      const state = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      if (this.read?.state === state) return this.read;
      const length = Math.min(Number(size), TAIL_BYTES);
      const { buffer, bytesRead } = await file.read({
        buffer: Buffer.alloc(length),
        position: Number(size) - length,
      });
      const text = buffer.subarray(0, bytesRead).toString('utf8');
      const lines = text.split('\n').flatMap((line) => {
        if (line.length < LINE_CHARACTERS_MIN || !line.startsWith(BEGINNING)) return [];
        const read = Line.safeParse(jsonOf(line));
        return read.success ? [read.data] : [];
      });
      this.read = { state, lines, isWhole: length === Number(size) };
      return this.read;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      throw new Error(
        `there is no file ${this.path}, and checkpoints were signed: mount where it is. If it is to be the first of a new anchor, make it, empty`,
        { cause: error },
      );
    }
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
