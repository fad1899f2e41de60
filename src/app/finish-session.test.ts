import { beforeEach, describe, expect, test } from 'vitest';
import { AdvancingLab, running, terminated } from '../../test/support/advancing.lab.js';
import { problem } from '../domain/problem.js';

let lab: AdvancingLab;
beforeEach(() => {
  lab = new AdvancingLab();
});

const active = () => ({ startedAt: lab.at(1), deadlineAt: lab.at(601) });

describe('the eviction of a Pod whose session does not end', () => {
  test('is in the log before it is asked for and with each new answer, and holds no other way up', async () => {
    await lab.given(
      [
        ['start', 0, lab.started],
        ['run', 1, active()],
        ['leave', 100, { endingAt: lab.at(100), endReason: 'left' }],
      ],
      { onOverrun: 'evict' },
    );
    lab.clock.set(lab.at(101));
    lab.clusters.onObserve = () => running(lab.at(1));
    const budget = problem('too-many-requests', 'a budget', { retryAfterSeconds: 10 });
    const forbidden = problem('cluster-unauthorized', 'no right to');
    const away = problem('cluster-unavailable', 'silent');
    // A replica each: it is stopped when it has asked.
    for (const answer of [budget, budget, away, budget, forbidden, 'done', 'done'] as const) {
      const stopping = new AbortController();
      lab.clusters.onEvict = () => {
        stopping.abort();
        return answer;
      };
      await lab.advance(stopping.signal);
    }
    const steps = (await lab.steps()).slice(4);
    expect(steps.map(({ event, data }) => [event, data['how'], data['answer']])).toEqual([
      ['overrun', undefined, undefined],
      ['escalate', 'evict', undefined],
      ['escalate', 'evict', 'too-many-requests'],
      ['escalate', 'evict', 'cluster-unauthorized'],
      ['escalate', 'evict', 'done'],
    ]);
    // Each replica begins with the gentlest way still, as no harder one was tried.
    expect(lab.clusters.calls).toEqual(Array.from({ length: 7 }, () => ['line', 'evict']).flat());
  });
});

describe('the record of an ended session', () => {
  test.each([
    ['ended from inside before it', terminated(new Date(0), 120, { exitCode: 137 }), 'left'],
    ['held to it', terminated(new Date(0), 599), 'deadline'],
    ['lost the record of', terminated(new Date(0), 0, { startedAt: null }), 'deadline'],
    [
      'whose Pod was deleted before it',
      terminated(new Date(0), 9, { podEnding: true }),
      'pod-gone',
    ],
  ])('is the truth of a container that is seen after its deadline, %s', async (_, seen, reason) => {
    await lab.given([
      ['start', 0, lab.started],
      ['run', 1, active()],
    ]);
    lab.clock.set(lab.at(4_000));
    const shift = (at: Date | null) => at && new Date(at.getTime() + lab.at(1).getTime());
    lab.clusters.onObserve = () => ({
      ...seen,
      startedAt: shift(seen.startedAt),
      finishedAt: shift(seen.finishedAt),
    });
    await lab.advance();
    expect(await lab.events()).toBe('grant start run expire finish');
    const stored = await lab.stored();
    expect(stored).toMatchObject({ endReason: reason });
    // Who killed it, the cluster does not tell: whoever was inside, or an admin of the node, or its kernel.
    if (reason === 'left') expect(stored.endDetail).toContain('from inside or by its node');
  });

  test('is the deadline where the container was found running at it, whatever its node tells', async () => {
    await lab.given([
      ['start', 0, lab.started],
      ['run', 1, active()],
    ]);
    lab.clock.set(lab.at(601));
    lab.clusters.onObserve = () =>
      lab.clusters.calls.includes('line') ? terminated(lab.at(1), 300) : running(lab.at(1));
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ endReason: 'deadline' });
  });

  test('tells that the container ran where the start was taken for failed', async () => {
    const endReason = 'start-failed';
    await lab.given([
      ['start', 0, lab.started],
      ['fail', 30, { endingAt: lab.at(30), endReason, endDetail: 'The cluster was silent.' }],
    ]);
    lab.clock.set(lab.at(300));
    lab.clusters.onObserve = () => terminated(lab.at(2), 60, { exitCode: 137 });
    await lab.advance();
    expect(await lab.stored()).toMatchObject({
      endReason,
      startedAt: lab.at(2),
      endDetail: expect.stringMatching(/^The cluster was silent\. Its container ran all the same/),
    });
  });

  test('keeps the word of who revoked it', async () => {
    await lab.given([
      ['start', 0, lab.started],
      ['revoke', 5, { endingAt: lab.at(5), endReason: 'revoked', endDetail: 'Alex did.' }],
    ]);
    lab.clusters.onObserve = () => terminated(lab.at(2), 600);
    await lab.advance();
    expect(await lab.stored()).toMatchObject({ endReason: 'revoked', endDetail: 'Alex did.' });
  });
});
