import { readFile, stat } from 'node:fs/promises';
import type { Journal } from '../../app/ports/journal.js';
import type { WatchedFile } from '../../config/watched.file.js';
import { stampOf } from '../../config/watched.file.js';

/** kubelet itself takes a minute to put a changed Secret into a Pod: more often is of no use. */
const EVERY_MS = 5_000;
const BYTES_MAX = 64 * 1024;

/** How a file stands to what is used of it. */
export interface FileStanding {
  readonly key: string;
  /** How often another content was taken since the start. */
  readonly renewed: number;
  /** Whether what is there now is what is used. */
  readonly isUsed: boolean;
}

interface Watched {
  readonly file: WatchedFile;
  stamp: string;
  renewed: number;
  /** What was last told of it; undefined: it is used as it is. */
  told: string | undefined;
}

/**
 * Looks now and then at the files that the configuration names and has what they hold taken where it changed: by its
 * content, since kubelet swaps links and leaves the files alone. What is wrong, or gone, is told once and metered, and
 * what was taken before stays in use.
 */
export class RotatingFiles {
  private readonly watched: readonly Watched[];
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly deps: {
      readonly files: readonly WatchedFile[];
      readonly journal: Journal;
      readonly everyMs?: number;
    },
  ) {
    this.watched = deps.files.map((file) => ({
      file,
      stamp: file.stamp,
      renewed: 0,
      told: undefined,
    }));
  }

  start(): void {
    if (this.watched.length === 0) return;
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    }, this.deps.everyMs ?? EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** Looks at all of them once. */
  async look(): Promise<void> {
    for (const watched of this.watched) await this.lookAt(watched);
  }

  standing(): readonly FileStanding[] {
    return this.watched.map(({ file: { key }, renewed, told }) => ({
      key,
      renewed,
      isUsed: told === undefined,
    }));
  }

  private async lookAt(watched: Watched): Promise<void> {
    const { file } = watched;
    const texts = await Promise.all(file.paths.map(textOf));
    const unread = texts.find((text) => text instanceof Unread);
    if (unread instanceof Unread) return this.tell(watched, unread.why);
    const read = texts.filter((text) => typeof text === 'string');
    const stamp = stampOf(read);
    if (stamp === watched.stamp) return this.tell(watched, undefined);
    if (file.renew === null) {
      return this.tell(watched, 'it has changed, and is read at the start alone: restart');
    }
    const wrong = tried(() => file.renew?.(read));
    if (wrong !== undefined) return this.tell(watched, wrong);
    watched.stamp = stamp;
    watched.renewed++;
    watched.told = undefined;
    this.deps.journal.info({ key: file.key }, 'a file has changed and was taken up');
  }

  /** Once for each reason: what stands in a file is never told. */
  private tell(watched: Watched, why: string | undefined): void {
    if (watched.told === why) return;
    watched.told = why;
    const { key, paths } = watched.file;
    if (why === undefined) this.deps.journal.info({ key }, 'a file is as it was again');
    else
      this.deps.journal.error(
        { key, paths, why },
        'a file cannot be taken up: what it held before is used on',
      );
  }
}

/** Whoever takes it up may fail at it, in words that could quote it: the other files go on. */
function tried(renew: () => string | undefined): string | undefined {
  try {
    return renew();
  } catch {
    return 'it cannot be used';
  }
}

class Unread {
  constructor(readonly why: string) {}
}

async function textOf(path: string): Promise<string | Unread> {
  try {
    if ((await stat(path)).size > BYTES_MAX)
      return new Unread(`it is larger than ${BYTES_MAX} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return new Unread(`it cannot be read (${code})`);
  }
}
