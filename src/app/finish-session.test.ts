import { beforeEach, describe, expect, test } from 'vitest';
import { AdvancingLab, running, terminated } from '../../test/support/advancing.lab.js';

let lab: AdvancingLab;
beforeEach(() => {
  lab = new AdvancingLab();
});

const active = () => ({ startedAt: lab.at(1), deadlineAt: lab.at(601) });

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
    expect(await lab.stored()).toMatchObject({ endReason: reason });
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
