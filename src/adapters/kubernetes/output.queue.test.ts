import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutputChunk } from '../../app/ports/cluster.streams.js';
import { OutputQueue } from './output.queue.js';

const MARKS = { fullBytes: 4_000, roomBytes: 1_000 };

/** A queue, and whether the one who fills it may go on. */
function made() {
  const state = { mayPush: true, left: 0, held: [] as boolean[] };
  const queue = new OutputQueue(
    {
      onFull: () => {
        state.mayPush = false;
        state.held.push(true);
      },
      onRoom: () => {
        state.mayPush = true;
        state.held.push(false);
      },
      onLeft: () => state.left++,
    },
    MARKS,
  );
  return { queue, state };
}

const chunk = (text: string): OutputChunk => ({ stream: 'stdout', data: Buffer.from(text) });

/** What came of one stream until the other one spoke, in order. */
function runs(chunks: readonly OutputChunk[]) {
  const found: { stream: string; bytes: number[] }[] = [];
  for (const { stream, data } of chunks) {
    const last = found.at(-1);
    if (last?.stream === stream) last.bytes.push(...data);
    else found.push({ stream, bytes: [...data] });
  }
  return found;
}

describe('output that waits for its reader', () => {
  it('comes out as it went in, whole and in order, whoever is quicker, and never piles up', async () => {
    const chunks = fc.array(
      fc.record({
        stream: fc.constantFrom('stdout' as const, 'stderr' as const),
        data: fc.uint8Array({ minLength: 1, maxLength: 1_500 }),
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(chunks, fc.scheduler(), async (sent, scheduler) => {
        const { queue, state } = made();
        const filling = scheduler.scheduleSequence(
          sent.map((one) => async () => {
            while (!state.mayPush) await new Promise((resolve) => setImmediate(resolve));
            queue.push(one);
            expect(queue.waitingBytes).toBeLessThan(MARKS.fullBytes + 2_000);
          }),
        );
        void filling.task.then(() => queue.finish());
        const got: OutputChunk[] = [];
        const reading = (async () => {
          for await (const one of queue) {
            got.push(one);
            await scheduler.schedule(Promise.resolve());
          }
        })();
        await scheduler.waitFor(reading);
        await queue.drained;
        expect(runs(got)).toEqual(runs(sent));
        expect(queue.waitingBytes).toBe(0);
        // Held and let go in turns.
        expect(state.held).toEqual(state.held.map((_, at) => at % 2 === 0));
      }),
      { numRuns: 100 },
    );
  });

  it('comes together where there is much of it in small chunks, and the first one alone, at once', async () => {
    const { queue } = made();
    const reader = queue[Symbol.asyncIterator]();
    const first = reader.next();
    for (let n = 0; n < 11; n++) queue.push({ stream: 'stdout', data: Buffer.alloc(4_096, n) });
    queue.push({ stream: 'stderr', data: Buffer.from('e') });
    queue.finish();
    const sizes: number[] = [];
    for (let next = await first; next.done !== true; next = await reader.next()) {
      sizes.push(next.value.data.length);
    }
    expect(sizes).toEqual([4_096, 32_768, 8_192, 1]);
  });

  it('is not drained before its last chunk was handed out', async () => {
    const { queue } = made();
    queue.push(chunk('last'));
    queue.finish();
    let isDrained = false;
    void queue.drained.then(() => (isDrained = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDrained).toBe(false);
    await queue[Symbol.asyncIterator]().next();
    await queue.drained;
  });

  it('is dropped where its reader leaves, who is missed', async () => {
    const { queue, state } = made();
    queue.push(chunk('one'));
    queue.push({ stream: 'stderr', data: Buffer.from('two') });
    for await (const { data } of queue) {
      expect(Buffer.from(data).toString()).toBe('one');
      break;
    }
    await queue.drained;
    expect(state.left).toBe(1);
    queue.push(chunk('three'));
    expect(queue.waitingBytes).toBe(0);
  });

  it('in many small chunks counts for more than its bytes', () => {
    const { queue, state } = made();
    for (let n = 0; n < 20; n++) queue.push(chunk('x'));
    expect(state.mayPush).toBe(false);
  });
});
