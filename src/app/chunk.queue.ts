import { nextDigest } from '../domain/recording/digest.chain.js';
import { GatheredLines, release } from './gathered.lines.js';
import { pause } from './pause.js';
import type { Chunk } from './ports/recording.store.js';
import { CHUNKS_AT_ONCE_MAX, RecordingClosed } from './ports/recording.store.js';
import type { RecordingLimits } from './record-streams.js';

const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 1_000;
/** A store that does not answer for so long has failed; what it was sent may be sent again. */
const ANSWER_MS_MAX = 2_000;
/** Marks and the like come without waiting for room: more than so many times the bound of all is too much to keep. */
const CROWD_TIMES = 4;

/** What was shown and is not on the record, since the store has failed for too long. Its size in bytes as shown. */
export interface Lost {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly bytes: number;
}

export interface ChunkQueueParts {
  /** The digest before the first chunk. */
  readonly first: Uint8Array;
  /** Gives bytes of their own: what it was given is used again. */
  readonly compress: (data: Buffer) => Promise<Buffer>;
  readonly limits: RecordingLimits;
  readonly isStrict: boolean;
  readonly append: (chunks: readonly Chunk[]) => Promise<void>;
  /** Told when the store takes something again after {@link Lost}; the queue goes on when it resolves. */
  readonly gap: (lost: Lost) => Promise<void>;
  /** Told when what is pushed from now on is lost. */
  readonly losing: () => void;
  readonly trouble: (error: unknown, isFinal: boolean) => void;
}

interface Sealed {
  readonly data: Buffer;
  /** Begun when it was sealed, while the chunk before is still being stored; taken once. */
  packing: Promise<Buffer> | undefined;
  readonly untilMs: number;
  readonly shownBytes: number;
}

/**
 * Lines on their way to the store: gathered for a moment or until there are many, compressed, chained and stored in their
 * order; what has come while the store was busy is stored together. Bounded: who pushes beyond the bound is given
 * something to wait for, and where too much comes from those who do not wait, storing is given up as when patience is
 * over. Costs no timer while nothing is pushed.
 */
export class ChunkQueue {
  private readonly lines = new GatheredLines();
  private timer: NodeJS.Timeout | undefined;
  private readonly sealed: Sealed[] = [];
  private unstored = 0;
  private lastMs = 0;
  private shownBytes = 0;
  private storedUntilMs = 0;
  private last: { seq: number; digest: Uint8Array };
  private loop: Promise<void> | undefined;
  private waiting: ReturnType<typeof newRoom> | undefined;
  private lost: Lost | undefined;
  private failing: { readonly sinceMs: number; backOffMs: number } | undefined;
  private isDead = false;
  private hasFailed = false;
  private readonly dying = new AbortController();
  private readonly failure = Promise.withResolvers<string>();
  private gapCount = 0;
  private isWatched = false;

  constructor(private readonly parts: ChunkQueueParts) {
    this.last = { seq: 0, digest: parts.first };
  }

  /** Resolves, once, where a strict queue gives up, closed or not, or another replica has ended the recording. */
  get failed(): Promise<string> {
    return this.failure.promise;
  }

  get gaps(): number {
    return this.gapCount;
  }

  /** What to wait for before more is pushed, where there is much already. */
  get room(): Promise<undefined> | undefined {
    if (this.isDead || this.lost || this.unstored <= this.parts.limits.unstoredBytes)
      return undefined;
    this.waiting ??= newRoom();
    return this.waiting.promise;
  }

  /** Once it is closed and was not whole: what is not known to be stored. Of what is not, an answer may have been lost. */
  get missing(): Lost {
    const { lost, sealed } = this;
    const waiting = sealed.reduce((sum, { shownBytes }) => sum + shownBytes, this.shownBytes);
    return {
      fromMs: this.storedUntilMs,
      untilMs: Math.max(lost?.untilMs ?? 0, this.lastMs),
      bytes: waiting + (lost?.bytes ?? 0),
    };
  }

  /** Whether somebody waits to see what is stored: it is stored more often then, and what there is at once. */
  watched(isWatched: boolean): void {
    const comes = isWatched && !this.isWatched;
    this.isWatched = isWatched;
    if (comes && this.timer) this.seal();
  }

  /**
   * @param line makes the line of an event at `atMs`, given when the event before it was.
   * @param shownBytes what is lost where the line is.
   * @returns {@link room}.
   */
  push(
    line: (beforeMs: number) => string,
    atMs: number,
    shownBytes = 0,
  ): Promise<undefined> | undefined {
    if (this.isDead) return undefined;
    if (this.lost) {
      const { fromMs, bytes } = this.lost;
      this.lost = { fromMs, untilMs: atMs, bytes: bytes + shownBytes };
      return undefined;
    }
    const { limits } = this.parts;
    this.unstored += this.lines.add(`${line(this.lastMs)}\n`);
    this.lastMs = atMs;
    this.shownBytes += shownBytes;
    if (this.lines.bytes >= limits.chunkBytes) this.seal();
    else {
      const waitMs = this.isWatched ? limits.watchedChunkMs : limits.chunkMs;
      this.timer ??= setTimeout(() => this.seal(), waitMs);
    }
    if (this.unstored > CROWD_TIMES * limits.unstoredBytes)
      this.giveUp(new Error('more came than is kept until it is stored'));
    return this.room;
  }

  /** Stores what is left. @returns the last chunk stored; `undefined` where some of it could not be in time. */
  async close(): Promise<{ readonly seq: number; readonly digest: Uint8Array } | undefined> {
    const tooLate = setTimeout(() => this.die(), this.parts.limits.patienceMs);
    do {
      this.seal();
      await this.loop;
      // Where a gap was told meanwhile, there is the mark of it.
    } while (this.lines.bytes + this.sealed.length > 0 && !this.isDead);
    clearTimeout(tooLate);
    const isWhole = !this.isDead && !this.lost;
    if (!isWhole && this.parts.isStrict)
      this.fail(new Error('its end could not be stored in time'));
    this.die();
    return isWhole ? this.last : undefined;
  }

  private seal(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.lines.bytes > 0) {
      const data = this.lines.take();
      const packing = this.parts.compress(data);
      // Whoever takes it hears of it.
      packing.catch(() => undefined);
      const { lastMs: untilMs, shownBytes } = this;
      this.sealed.push({ data, packing, untilMs, shownBytes });
      this.shownBytes = 0;
    }
    if (this.sealed.length > 0 && !this.isDead) this.loop ??= this.storeAll();
  }

  private async storeAll(): Promise<void> {
    try {
      for (; !this.isDead;) {
        const heads = this.sealed.slice(0, CHUNKS_AT_ONCE_MAX);
        if (heads.length > 0) await this.store(heads);
        else if (this.lost) await this.tell(this.lost);
        else return;
      }
    } finally {
      // In the same turn as the last look: what is sealed next begins anew.
      this.loop = undefined;
    }
  }

  /** Stores the first of what is sealed. */
  private async store(heads: readonly Sealed[]): Promise<void> {
    const { append, limits } = this.parts;
    const chunks: Chunk[] = [];
    let last = this.last;
    for (const sealed of heads) {
      const before = last;
      const chunk = await this.untilDone(() => this.packed(sealed, before));
      if (!chunk) return;
      chunks.push(chunk);
      last = chunk;
    }
    if (!(await this.untilDone(() => append(chunks).then(() => true)))) return;
    this.last = { seq: last.seq, digest: last.digest };
    this.storedUntilMs = heads.at(-1)?.untilMs ?? this.storedUntilMs;
    this.sealed.splice(0, heads.length);
    for (const { data } of heads) {
      this.unstored -= data.length;
      release(data);
    }
    if (this.unstored <= limits.unstoredBytes) this.giveRoom();
  }

  private async packed(
    sealed: Sealed,
    before: { readonly seq: number; readonly digest: Uint8Array },
  ): Promise<Chunk> {
    const { data, untilMs } = sealed;
    const packing = sealed.packing ?? this.parts.compress(data);
    sealed.packing = undefined;
    const bytes = await packing;
    return { seq: before.seq + 1, untilMs, bytes, digest: nextDigest(before.digest, bytes) };
  }

  private async tell(lost: Lost): Promise<void> {
    this.lost = undefined;
    this.gapCount++;
    const isTold = await this.untilDone(() => this.parts.gap(lost).then(() => true));
    if (isTold) return;
    const { untilMs, bytes } = this.lost ?? lost;
    this.lost = { fromMs: lost.fromMs, untilMs, bytes: this.lost ? lost.bytes + bytes : bytes };
  }

  /** Tries until it is done. `undefined`: never. */
  private async untilDone<T>(act: () => Promise<T>): Promise<T | undefined> {
    while (!this.isDead) {
      const begunMs = performance.now();
      try {
        const done = await this.inTime(act());
        this.failing = undefined;
        return done;
      } catch (error) {
        await this.backOff(error, begunMs);
      }
    }
    return undefined;
  }

  /** A store that says nothing is one that fails: what it was told to store may be stored still, which does no harm. */
  private async inTime<T>(act: Promise<T>): Promise<T> {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.dying.signal]);
    const late = pause(Math.min(ANSWER_MS_MAX, this.parts.limits.patienceMs), signal).then(() => {
      throw new Error('the store of recordings did not answer in time');
    });
    try {
      return await Promise.race([act, late]);
    } finally {
      done.abort();
    }
  }

  private async backOff(error: unknown, begunMs: number): Promise<void> {
    if (this.isDead) return;
    const { isStrict, limits, trouble } = this.parts;
    const isFirst = this.failing === undefined;
    const failing = (this.failing ??= { sinceMs: begunMs, backOffMs: RETRY_FIRST_MS });
    const isOutOfPatience = performance.now() - failing.sinceMs >= limits.patienceMs;
    const isEnough = isOutOfPatience && (isStrict || !this.lost);
    if (isEnough || error instanceof RecordingClosed) this.giveUp(error);
    else if (isFirst) trouble(error, false);
    await pause(failing.backOffMs, this.dying.signal);
    failing.backOffMs = Math.min(failing.backOffMs * 2, RETRY_LONGEST_MS);
  }

  /** A strict queue fails; another one loses what comes until something is stored again. */
  private giveUp(error: unknown): void {
    const { isStrict, losing, trouble } = this.parts;
    if (isStrict || error instanceof RecordingClosed) {
      this.fail(error);
      return;
    }
    trouble(error, true);
    this.lost = { fromMs: this.lastMs, untilMs: this.lastMs, bytes: 0 };
    losing();
    this.giveRoom();
  }

  private fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.parts.trouble(error, true);
    // Told before those who wait go on: nothing more may be shown.
    this.failure.resolve(
      error instanceof RecordingClosed
        ? 'another replica took its recording for abandoned'
        : 'what happens could not be recorded any more',
    );
    this.die();
  }

  private die(): void {
    this.isDead = true;
    clearTimeout(this.timer);
    this.dying.abort();
    this.giveRoom();
  }

  private giveRoom(): void {
    this.waiting?.resolve();
    this.waiting = undefined;
  }
}

function newRoom(): { readonly promise: Promise<undefined>; readonly resolve: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { promise, resolve: () => resolve(undefined) };
}
