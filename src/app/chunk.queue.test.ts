import { setTimeout as after } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstDigest, nextDigest } from '../domain/recording/digest.chain.js';
import type { Lost } from './chunk.queue.js';
import { ChunkQueue } from './chunk.queue.js';
import type { Chunk } from './ports/recording.store.js';
import { RecordingClosed } from './ports/recording.store.js';
import { newRecordingId } from '../domain/recording/recording.js';

const FIRST = firstDigest('{}');
const LIMITS = {
  chunkMs: 2,
  watchedChunkMs: 1,
  chunkBytes: 64,
  unstoredBytes: 200,
  patienceMs: 60,
};

/** A store that fails as it is told: chunks that it has taken twice are there once. */
class Shelf {
  readonly chunks: Chunk[] = [];
  readonly lost: Lost[] = [];
  readonly troubles: boolean[] = [];
  losses = 0;
  /** For each call to come: whether it stores, and whether it answers. */
  fate: readonly ('well' | 'down' | 'unanswered' | 'silent')[] = [];
  /** So many tellings of a gap fail first. */
  gapsRefused = 0;
  marksGaps = false;
  /** How many chunks came with each call. */
  readonly together: number[] = [];
  private calls = 0;
  readonly queue: ChunkQueue;

  constructor(isStrict: boolean, limits: typeof LIMITS = LIMITS) {
    this.queue = new ChunkQueue({
      first: FIRST,
      compress: (data) => Promise.resolve(data),
      limits,
      isStrict,
      append: (chunks) => {
        this.together.push(chunks.length);
        return this.call(() => chunks.forEach((chunk) => this.put(chunk)));
      },
      gap: (lost) => this.gap(lost),
      losing: () => void (this.losses += 1),
      trouble: (_error, isFinal) => void this.troubles.push(isFinal),
    });
  }

  get text(): string {
    return this.chunks.map(({ bytes }) => Buffer.from(bytes).toString()).join('');
  }

  private async call(act: () => void): Promise<void> {
    const fate = this.fate[this.calls++] ?? this.fate.at(-1) ?? 'well';
    await Promise.resolve();
    if (fate !== 'down') act();
    if (fate === 'silent') await new Promise(() => undefined);
    if (fate !== 'well') throw new Error('no answer');
  }

  private async gap(lost: Lost): Promise<void> {
    await Promise.resolve();
    if (this.gapsRefused-- > 0) throw new Error('no answer');
    this.lost.push(lost);
    if (this.marksGaps) void this.queue.push(() => 'a gap', lost.untilMs);
  }

  private put(chunk: Chunk): void {
    const last = this.chunks.at(-1);
    if (chunk.seq <= this.chunks.length) {
      expect(chunk).toEqual(this.chunks[chunk.seq - 1]);
      return;
    }
    expect(chunk.seq).toBe((last?.seq ?? 0) + 1);
    expect(chunk.digest).toEqual(nextDigest(last?.digest ?? FIRST, chunk.bytes));
    this.chunks.push(chunk);
  }
}

const lines = fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 90 }), {
  minLength: 1,
  maxLength: 30,
});
const fates = fc.array(fc.constantFrom('well', 'down', 'unanswered'), { maxLength: 12 });

describe('lines on their way to the store', () => {
  test('are all there, once and in their order, where the store is only away for moments', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fates, fc.boolean(), async (given, fate, isStrict) => {
        const shelf = new Shelf(isStrict, { ...LIMITS, patienceMs: 60_000 });
        shelf.fate = [...fate, 'well'];
        for (const [at, line] of given.entries()) await shelf.queue.push(() => line, at);
        expect(await shelf.queue.close()).toMatchObject({ seq: shelf.chunks.length });
        expect(shelf.text).toBe(given.map((line) => `${line}\n`).join(''));
        expect(shelf.lost).toEqual([]);
        expect(shelf.chunks.at(-1)?.untilMs).toBe(given.length - 1);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  test('make whoever pushes wait beyond the bound, and no longer than until there is room', async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (given) => {
        const shelf = new Shelf(true);
        let pushed = 0;
        for (const line of given) {
          const room = shelf.queue.push(() => line, 0);
          pushed += line.length + 1;
          const unstored = pushed - shelf.text.length;
          expect(unstored).toBeLessThanOrEqual(LIMITS.unstoredBytes + 91 + LIMITS.chunkBytes);
          if (unstored > LIMITS.unstoredBytes + LIMITS.chunkBytes) expect(room).toBeDefined();
          await room;
        }
        await shelf.queue.close();
        expect(shelf.text.length).toBe(pushed);
      }),
      { numRuns: 50 },
    );
  });

  test('are given line by line the time of the one before that was kept', async () => {
    const shelf = new Shelf(true);
    for (const atMs of [5, 7, 20]) await shelf.queue.push((before) => `${atMs - before}`, atMs);
    await shelf.queue.close();
    expect(shelf.text).toBe('5\n2\n13\n');
  });

  test('are stored sooner while somebody watches, and those of before as soon as they come', async () => {
    const HOUR = 3_600_000;
    const shelf = new Shelf(true, { ...LIMITS, chunkMs: HOUR, watchedChunkMs: 5 });
    void shelf.queue.push(() => 'before', 0);
    shelf.queue.watched(true);
    while (shelf.chunks.length < 1) await after(1);
    void shelf.queue.push(() => 'while', 1);
    while (shelf.chunks.length < 2) await after(1);
    expect(shelf.text).toBe('before\nwhile\n');
    await shelf.queue.close();
  });

  test('are stored together where they came while the store was busy, so many chunks at most', async () => {
    const shelf = new Shelf(true, { ...LIMITS, unstoredBytes: 10_000 });
    const given = Array.from({ length: 7 }, (_, at) => `${at}`.repeat(LIMITS.chunkBytes));
    for (const line of given) void shelf.queue.push(() => line, 0);
    expect(await shelf.queue.close()).toMatchObject({ seq: 7 });
    expect(shelf.text).toBe(given.map((line) => `${line}\n`).join(''));
    expect(shelf.together).toEqual([1, 4, 2]);
  });

  test('wait for nothing where nothing is pushed: an idle queue has no timer', async () => {
    const shelf = new Shelf(true);
    expect(await shelf.queue.close()).toEqual({ seq: 0, digest: FIRST });
    expect(shelf.chunks).toEqual([]);
  });
});

describe('a store that is away for longer', () => {
  test.each(['down', 'silent'] as const)(
    'fails a strict queue within its patience, and lets nobody wait: %s',
    async (fate) => {
      const shelf = new Shelf(true);
      shelf.fate = [fate];
      const began = performance.now();
      const room = shelf.queue.push(() => 'x'.repeat(300), 0);
      expect(room).toBeInstanceOf(Promise);
      expect(await shelf.queue.failed).toContain('could not be recorded');
      await room;
      expect(performance.now() - began).toBeLessThan(5 * LIMITS.patienceMs + 1_000);
      expect(shelf.queue.push(() => 'late', 1)).toBeUndefined();
      expect(await shelf.queue.close()).toBeUndefined();
      expect(shelf.troubles.at(-1)).toBe(true);
    },
  );

  test('never loses in a strict queue what it does not fail for', async () => {
    await fc.assert(
      fc.asyncProperty(lines, fates, async (given, fate) => {
        const shelf = new Shelf(true, { ...LIMITS, patienceMs: 150 });
        shelf.fate = [...fate, 'well'];
        let hasFailed = false;
        void shelf.queue.failed.then(() => (hasFailed = true));
        for (const [at, line] of given.entries()) await shelf.queue.push(() => line, at);
        const isWhole = (await shelf.queue.close()) !== undefined;
        const all = given.map((line) => `${line}\n`).join('');
        // What is there is a beginning of it in any case.
        expect(all.startsWith(shelf.text)).toBe(true);
        if (isWhole) expect(shelf.text).toBe(all);
        if (hasFailed) expect(isWhole).toBe(false);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  test('costs a queue at best effort what came meanwhile, told once with its size, and nobody waits', async () => {
    const shelf = new Shelf(false);
    shelf.fate = ['down'];
    await shelf.queue.push(() => 'a'.repeat(300), 0, 300);
    expect(shelf.troubles).toContain(true);
    for (let at = 10; at < 20; at++)
      expect(shelf.queue.push(() => 'never made', at, 1_000)).toBeUndefined();
    shelf.fate = ['well'];
    while (shelf.lost.length === 0) await after(5);
    void shelf.queue.push(() => 'b', 30, 1);
    expect(await shelf.queue.close()).toMatchObject({ seq: 2 });
    expect(shelf.text).toBe(`${'a'.repeat(300)}\nb\n`);
    expect(shelf.lost).toEqual([{ fromMs: 0, untilMs: 19, bytes: 10_000 }]);
    expect([shelf.queue.gaps, shelf.losses]).toEqual([1, 1]);
  });

  test('that is back just as the stream ends has the mark of the gap, too', async () => {
    // Much longer than the longest pause between two tries, a second.
    const shelf = new Shelf(false, { ...LIMITS, patienceMs: 3_000 });
    shelf.marksGaps = true;
    shelf.fate = ['down'];
    await shelf.queue.push(() => 'a'.repeat(300), 0, 300);
    void shelf.queue.push(() => 'lost', 1, 4);
    shelf.fate = ['well'];
    expect(await shelf.queue.close()).toMatchObject({ seq: 2 });
    expect(shelf.text).toBe(`${'a'.repeat(300)}\na gap\n`);
  });

  test('that goes away again while the gap is told loses nothing of what it took, and recovers', async () => {
    const shelf = new Shelf(false);
    shelf.fate = ['down'];
    await shelf.queue.push(() => 'a'.repeat(300), 0, 300);
    void shelf.queue.push(() => '', 1, 7);
    // Patience is over once more before the gap is told.
    shelf.gapsRefused = 3;
    shelf.fate = ['well'];
    while (shelf.lost.length < 2) {
      void shelf.queue.push(() => '', 2, 1);
      await after(5);
    }
    void shelf.queue.push(() => 'b', 30, 1);
    expect(await shelf.queue.close()).toBeDefined();
    expect(shelf.text.endsWith('\nb\n')).toBe(true);
    expect(shelf.queue.gaps).toBe(2);
  }, 30_000);

  test('is given up as soon as too much has come from those who wait for nothing', async () => {
    const limits = { ...LIMITS, patienceMs: 3_600_000 };
    const flood = (queue: ChunkQueue): number => {
      let kept = 0;
      for (let at = 0; at < 1_000; at++)
        void queue.push(() => {
          kept += 10;
          return '123456789';
        }, at);
      return kept;
    };
    const strict = new Shelf(true, limits);
    strict.fate = ['silent'];
    expect(flood(strict.queue)).toBeLessThan(5 * limits.unstoredBytes);
    expect(await strict.queue.failed).toContain('could not be recorded');

    const lenient = new Shelf(false, limits);
    lenient.fate = ['down'];
    const kept = flood(lenient.queue);
    expect(kept).toBeLessThan(5 * limits.unstoredBytes);
    expect(lenient.losses).toBe(1);
    lenient.fate = ['well'];
    while (lenient.lost.length === 0) await after(5);
    expect(await lenient.queue.close()).toBeDefined();
    expect(lenient.text).toBe('123456789\n'.repeat(kept / 10));
  });

  test('is given up at the end within patience, and what is missing is no end', async () => {
    const shelf = new Shelf(false);
    shelf.fate = ['silent'];
    void shelf.queue.push(() => 'a', 0);
    const began = performance.now();
    expect(await shelf.queue.close()).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(LIMITS.patienceMs + 1_000);
  });

  test.each(['strict', 'best-effort'])(
    'at the end leaves known what is missing, from the last that is stored: %s',
    async (mode) => {
      const shelf = new Shelf(mode === 'strict', { ...LIMITS, patienceMs: 300 });
      void shelf.queue.push(() => 'stored'.repeat(12), 5, 70);
      while (shelf.chunks.length < 1) await after(1);
      shelf.fate = ['down'];
      void shelf.queue.push(() => 'sealed'.repeat(12), 8, 100);
      void shelf.queue.push(() => 'gathered', 9, 20);
      expect(await shelf.queue.close()).toBeUndefined();
      expect(shelf.queue.missing).toEqual({ fromMs: 5, untilMs: 9, bytes: 120 });
    },
  );

  test('at the end leaves known what was lost before, told or not', async () => {
    const shelf = new Shelf(false, { ...LIMITS, patienceMs: 150 });
    shelf.fate = ['down'];
    await shelf.queue.push(() => 'a'.repeat(300), 0, 300);
    while (shelf.losses === 0) await after(5);
    void shelf.queue.push(() => '', 7, 1_000);
    // The store is back, but what tells of the gap is not.
    shelf.gapsRefused = Infinity;
    shelf.fate = ['well'];
    while (shelf.chunks.length === 0) await after(5);
    void shelf.queue.push(() => 'b', 9, 1);
    expect(await shelf.queue.close()).toBeUndefined();
    expect(shelf.queue.missing).toEqual({ fromMs: 0, untilMs: 9, bytes: 1_001 });
  });

  test.each(['down', 'silent'] as const)(
    'fails a strict queue whose end comes before its patience is over, and before it is closed: %s',
    async (fate) => {
      const shelf = new Shelf(true, { ...LIMITS, chunkMs: 60_000 });
      shelf.fate = [fate];
      void shelf.queue.push(() => 'short', 0);
      const order: string[] = [];
      void shelf.queue.failed.then(() => order.push('failed'));
      await shelf.queue.close().then(() => order.push('closed'));
      expect(order).toEqual(['failed', 'closed']);
      expect(shelf.troubles.filter((isFinal) => isFinal)).toHaveLength(1);
    },
  );
});

test('a recording that another replica has ended fails, at best effort too', async () => {
  for (const isStrict of [true, false]) {
    const queue = new ChunkQueue({
      first: FIRST,
      compress: (data) => Promise.resolve(data),
      limits: LIMITS,
      isStrict,
      append: () => Promise.reject(new RecordingClosed(newRecordingId())),
      gap: () => Promise.resolve(),
      losing: () => undefined,
      trouble: () => undefined,
    });
    void queue.push(() => 'x', 0);
    expect(await queue.failed).toContain('abandoned');
    expect(await queue.close()).toBeUndefined();
  }
});
