import { describe, expect, test } from 'vitest';
import { AdvancingLab, running } from '../../test/support/advancing.lab.js';
import { problem } from '../domain/problem.js';

let lab: AdvancingLab;

async function activeUntil(second: number): Promise<void> {
  lab = new AdvancingLab();
  await lab.given([
    ['start', 0, lab.started],
    ['run', 1, { startedAt: lab.at(1), deadlineAt: lab.at(second) }],
  ]);
  lab.clusters.onObserve = () => running(lab.at(1));
  lab.clusters.onRun = () => problem('cluster-unavailable', 'exec is not answered');
}

async function lookAt(second: number): Promise<string> {
  lab.clock.set(lab.at(second));
  await lab.advance();
  return (await lab.events()).replace('grant start run', '').trim();
}

describe('a timer that cannot be asked how strong it is', () => {
  test('is unknown on the record after some tries, once, and asked until it answers', async () => {
    await activeUntil(601);
    expect(await lookAt(1)).toBe('');
    expect(await lookAt(21)).toBe('');
    expect(await lookAt(31)).toBe('note');
    expect(await lookAt(41)).toBe('note');
    expect(await lab.stored()).toMatchObject({ container: { timer: 'unknown' } });
    lab.clusters.onRun = () => ({ exitCode: 3 });
    expect(await lookAt(51)).toBe('note note');
    expect(await lookAt(61)).toBe('note note');
    expect((await lab.steps()).slice(3).map(({ data }) => data['timer'])).toEqual([
      'unknown',
      'weak',
    ]);
  });

  test('is unknown at the last look before the deadline, however few there were', async () => {
    await activeUntil(9);
    lab.clusters.onRun = () => ({ exitCode: 126 });
    expect(await lookAt(2)).toBe('note');
  });
});
