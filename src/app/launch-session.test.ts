import { beforeEach, describe, expect, test } from 'vitest';
import { ABSENT, AdvancingLab, running, terminated } from '../../test/support/advancing.lab.js';
import { problem } from '../domain/problem.js';

const REFUSED = problem('admission-refused', 'A policy refused it.');
const busy = (retryAfterSeconds: number) =>
  problem('cluster-unavailable', 'The cluster is too busy.', { retryAfterSeconds });

let lab: AdvancingLab;
beforeEach(() => {
  lab = new AdvancingLab();
});

describe('a start that the cluster puts off', () => {
  test.each([31, 3_000_000, Number.MAX_SAFE_INTEGER])(
    'by %i seconds, past its last instant, fails at once and is sent once',
    async (seconds) => {
      await lab.given([['start', 0, lab.started]]);
      lab.clusters.onAdd = () => ({ refused: busy(seconds), definite: true });
      lab.clusters.onObserve = () => ({ kind: 'pod-gone', why: 'deleted' });
      await lab.advance();
      expect(lab.clusters.calls).toEqual(['add']);
      expect(await lab.events()).toBe('grant start fail finish');
    },
  );

  test('by longer than a worker may be held is put back, to be sent again when it is time', async () => {
    await lab.given([['start', 0, lab.started]]);
    lab.clusters.onAdd = () => ({ refused: busy(25), definite: true });
    expect(await lab.advance()).toEqual({ dueAt: lab.at(25), version: 2 });
    expect(await lab.events()).toBe('grant start');
  });
});

describe('a start that takes long', () => {
  test('lets its worker go after 20 seconds, and is followed by whoever takes it up', async () => {
    await lab.given([['start', 0, lab.started]]);
    lab.clusters.onAdd = () => {
      lab.clock.set(lab.at(20));
      return 'added';
    };
    expect(await lab.advance()).toEqual({ dueAt: lab.at(20), version: 2 });
    lab.clusters.onObserve = () => running(lab.at(1));
    lab.clusters.onAdd = () => 'added';
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ state: 'active', startedAt: lab.at(1) });
  });
});

describe('a start that is seen to succeed', () => {
  test('is told of before it is written, so that nobody who waits for it waits for the store', async () => {
    await lab.given([['start', 0, lab.started]]);
    lab.clusters.onObserve = () => running(lab.at(1));
    await lab.advance();
    const seen = await Promise.all(lab.seenRunningIn);
    expect(seen.map(({ state }) => state)).toEqual(['starting']);
    expect(await lab.stored()).toMatchObject({ state: 'active' });
  });

  test('is told of by nobody where it does not', async () => {
    await lab.given([]);
    lab.clusters.onAdd = () => ({ refused: REFUSED, definite: true });
    await lab.advance();
    expect(lab.seenRunningIn).toEqual([]);
  });
});

describe('a start that is taken up when its last instant is over', () => {
  beforeEach(async () => {
    await lab.given([['start', 0, lab.started]]);
    lab.clock.set(lab.at(30));
  });

  test('sends nothing any more, and goes on to its end', async () => {
    lab.clusters.onObserve = () => {
      if (lab.clock.now() > lab.at(30)) return { kind: 'pod-gone', why: 'deleted' };
      lab.clock.set(lab.at(31));
      return ABSENT;
    };
    await lab.advance();
    expect(lab.clusters.calls).toEqual([]);
    expect(await lab.events()).toBe('grant start fail finish');
    expect(await lab.stored()).toMatchObject({ endReason: 'start-failed', startedAt: null });
  });

  test('is active where the container runs already', async () => {
    lab.clusters.onObserve = () => running(lab.at(1));
    await lab.advance();
    expect(lab.clusters.calls).toEqual(['probe']);
    expect(await lab.stored()).toMatchObject({ state: 'active', startedAt: lab.at(1) });
  });

  test.each([
    ['to its deadline', 600, 'deadline', 'grant start run expire finish'],
    ['and was ended from inside', 120, 'left', 'grant start run expire finish'],
  ])('was active where the container ran %s, unseen', async (_, lasted, endReason, events) => {
    lab.clock.set(lab.at(3_600));
    lab.clusters.onObserve = () => terminated(lab.at(1), lasted);
    await lab.advance();
    expect(await lab.events()).toBe(events);
    expect(await lab.stored()).toMatchObject({
      state: 'ended',
      endReason,
      startedAt: lab.at(1),
      deadlineAt: lab.at(601),
      container: { imageId: 'sha256:x' },
    });
  });

  test('failed where the container came too late to hold', async () => {
    lab.clock.set(lab.at(40));
    lab.clusters.onObserve = () => terminated(lab.at(35), 0);
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ endReason: 'start-failed', startedAt: null });
  });
});

describe('a start that the API server refuses', () => {
  test('ends the session where nobody else can have sent it', async () => {
    await lab.given([]);
    lab.clusters.onAdd = () => ({ refused: REFUSED, definite: true });
    await lab.advance();
    expect(await lab.events()).toBe('grant start reject');
  });

  test('goes on to be looked at where it was held up meanwhile', async () => {
    await lab.given([]);
    lab.clusters.onAdd = () => {
      lab.abort.abort();
      return { refused: REFUSED, definite: true };
    };
    await lab.advance();
    expect(await lab.events()).toBe('grant start fail');
    expect(await lab.stored()).toMatchObject({ state: 'ending' });
  });

  test('changes nothing where its claim has run out meanwhile, and another may be sending it', async () => {
    await lab.given([]);
    lab.clusters.onAdd = () => ({ refused: REFUSED, definite: true });
    expect(await lab.advance(lab.abort.signal, 0)).toBeUndefined();
    expect(await lab.events()).toBe('grant start');
  });
});
