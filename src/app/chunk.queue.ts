import { nextDigest } from '../domain/recording/digest.chain.js';
import { pause } from './pause.js';
import type { Chunk } from './ports/recording.store.js';
import { RecordingClosed } from './ports/recording.store.js';
import type { RecordingLimits } from './record-streams.js';

const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 1_000;
/** A store that does not answer for so long has failed; what it was sent may be sent again. */
const ANSWER_MS_MAX = 2_000;

/** What was shown and is not on the record, since the store has failed for too long. */
export interface Lost {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly bytes: number;
}

export interface ChunkQueueParts {
  /** The digest before the first chunk. */
  readonly first: Uint8Array;
  readonly compress: (data: Buffer) => Promise<Buffer>;
  readonly limits: RecordingLimits;
  readonly isStrict: boolean;
  readonly append: (chunk: Chunk) => Promise<void>;
  /** Told when the store takes something again after {@link Lost}; the queue goes on when it resolves. */
  readonly gap: (lost: Lost) => Promise<void>;
  readonly trouble: (error: unknown, isFinal: boolean) => void;
}

interface Sealed {
  readonly text: string;
  readonly untilMs: number;
}

/**
 * Lines on their way to the store: gathered for a moment or until there are many, compressed, chained and stored one
 * chunk after the other. Bounded: who pushes beyond the bound is given something to wait for. Costs no timer while
 * nothing is pushed.
 */
export class ChunkQueue {
  private lines: string[] = [];
  private lineBytes = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly sealed: Sealed[] = [];
  private unstored = 0;
  private lastMs = 0;
  private last: { seq: number; digest: Uint8Array };
  private loop: Promise<void> | undefined;
  private room: ReturnType<typeof newRoom> | undefined;
  private lost: Lost | undefined;
  private failing: { readonly sinceMs: number; backOffMs: number } | undefined;
  private isDead = false;
  private readonly dying = new AbortController();
  private readonly failure = Promise.withResolvers<string>();
  private gapCount = 0;

  constructor(private readonly parts: ChunkQueueParts) {
    this.last = { seq: 0, digest: parts.first };
  }

  /** Resolves, once, where a strict queue gives up, or another replica has ended the recording. */
  get failed(): Promise<string> {
    return this.failure.promise;
  }

  get gaps(): number {
    return this.gapCount;
  }

  /**
   * @param line makes the line of an event at `atMs`, given when the event before it was.
   * @returns what to wait for before more is pushed, where there is much already.
   */
  push(line: (beforeMs: number) => string, atMs: number): Promise<undefined> | undefined {
    if (this.isDead) return undefined;
    const { limits } = this.parts;
    const text = `${line(this.lastMs)}\n`;
    if (this.lost) {
      const { fromMs, bytes } = this.lost;
      this.lost = { fromMs, untilMs: atMs, bytes: bytes + text.length };
      return undefined;
    }
    this.lastMs = atMs;
    this.lines.push(text);
    this.lineBytes += text.length;
    this.unstored += text.length;
    if (this.lineBytes >= limits.chunkBytes) this.seal();
    else this.timer ??= setTimeout(() => this.seal(), limits.chunkMs);
    if (this.unstored <= limits.unstoredBytes) return undefined;
    this.room ??= newRoom();
    return this.room.promise;
  }

  /** Stores what is left. @returns the last chunk stored; `undefined` where some of it could not be in time. */
  async close(): Promise<{ readonly seq: number; readonly digest: Uint8Array } | undefined> {
    this.seal();
    const tooLate = setTimeout(() => this.die(), this.parts.limits.patienceMs);
    await this.loop;
    clearTimeout(tooLate);
    const isWhole = !this.isDead && !this.lost;
    this.die();
    return isWhole ? this.last : undefined;
  }

  private seal(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.lines.length > 0) {
      this.sealed.push({ text: this.lines.join(''), untilMs: this.lastMs });
      this.lines = [];
      this.lineBytes = 0;
    }
    if (this.sealed.length > 0) {
      this.loop ??= this.storeAll().finally(() => {
        this.loop = undefined;
      });
    }
  }

  private async storeAll(): Promise<void> {
    for (let head = this.sealed[0]; head && !this.isDead; head = this.sealed[0]) {
      const bytes = await this.parts.compress(Buffer.from(head.text));
      const digest = nextDigest(this.last.digest, bytes);
      const chunk = { seq: this.last.seq + 1, untilMs: head.untilMs, bytes, digest };
      if (!(await this.untilDone(() => this.parts.append(chunk)))) return;
      this.last = { seq: chunk.seq, digest };
      this.sealed.shift();
      this.unstored -= head.text.length;
      if (this.unstored <= this.parts.limits.unstoredBytes) this.giveRoom();
      const { lost } = this;
      if (lost && this.sealed.length === 0) {
        this.lost = undefined;
        this.gapCount++;
        if (!(await this.untilDone(() => this.parts.gap(lost)))) return;
      }
    }
  }

  /** Tries until it is done. `false`: never. */
  private async untilDone(act: () => Promise<void>): Promise<boolean> {
    while (!this.isDead) {
      try {
        await inTime(act());
        this.failing = undefined;
        return true;
      } catch (error) {
        await this.after(error);
      }
    }
    return false;
  }

  private async after(error: unknown): Promise<void> {
    const { isStrict, limits, trouble } = this.parts;
    const now = performance.now();
    const isFirst = this.failing === undefined;
    const failing = (this.failing ??= { sinceMs: now, backOffMs: RETRY_FIRST_MS });
    const isOutOfPatience = now - failing.sinceMs > limits.patienceMs;
    if (error instanceof RecordingClosed || (isOutOfPatience && isStrict)) {
      trouble(error, true);
      // Told before those who wait go on: nothing more may be shown.
      this.failure.resolve(
        error instanceof RecordingClosed
          ? 'another replica took its recording for abandoned'
          : 'what happens could not be recorded any more',
      );
      this.die();
      return;
    }
    if (isOutOfPatience && !this.lost) {
      trouble(error, true);
      this.lost = { fromMs: this.lastMs, untilMs: this.lastMs, bytes: 0 };
      this.giveRoom();
    } else if (isFirst) trouble(error, false);
    await pause(failing.backOffMs, this.dying.signal);
    failing.backOffMs = Math.min(failing.backOffMs * 2, RETRY_LONGEST_MS);
  }

  private die(): void {
    this.isDead = true;
    clearTimeout(this.timer);
    this.dying.abort();
    this.giveRoom();
  }

  private giveRoom(): void {
    this.room?.resolve();
    this.room = undefined;
  }
}

function newRoom(): { readonly promise: Promise<undefined>; readonly resolve: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, resolve: () => resolve(undefined) };
}

async function inTime(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the store did not answer within ${ANSWER_MS_MAX} ms`)),
    ANSWER_MS_MAX,
  );
  // Late and failed: it has failed already.
  work.catch(() => undefined);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
