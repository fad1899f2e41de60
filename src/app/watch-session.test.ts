import { describe, expect, test } from 'vitest';
import { AdvancingLab, running, terminated } from '../../test/support/advancing.lab.js';
import type { Terms } from '../domain/policy/policy.js';
import { problem } from '../domain/problem.js';

let lab: AdvancingLab;

async function activeUntil(second: number, terms: Partial<Terms> = {}): Promise<void> {
  lab = new AdvancingLab();
  await lab.given(
    [
      ['start', 0, lab.started],
      ['run', 1, { startedAt: lab.at(1), deadlineAt: lab.at(second) }],
    ],
    terms,
  );
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

describe('a session into which nobody types', () => {
  test('ends when its terms allow no more of that, and not before, whichever replica heard the input', async () => {
    await activeUntil(601, { idleSeconds: 100 });
    lab.clusters.onRun = () => ({ exitCode: 0 });
    expect(await lookAt(90)).toBe('note');
    await lab.typed(80);
    expect(await lookAt(180)).toBe('note');
    await lab.typed(110);
    // Other replicas may be 15 seconds late with what they heard.
    expect(await lookAt(224)).toBe('note');
    lab.clusters.onObserve = () =>
      lab.clusters.calls.includes('line') ? terminated(lab.at(1), 230) : running(lab.at(1));
    expect(await lookAt(226)).toContain('note idle');
    expect((await lab.stored()).endDetail).toBe('Nothing was typed into it for 100 seconds.');
  });

  test('from its start on, ends all the same', async () => {
    await activeUntil(601, { idleSeconds: 100 });
    expect(await lookAt(115)).not.toContain('idle');
    lab.clusters.onObserve = () =>
      lab.clusters.calls.includes('line') ? terminated(lab.at(1), 120) : running(lab.at(1));
    expect(await lookAt(117)).toContain('idle');
  });

  test('goes on for ever where its terms do not care', async () => {
    await activeUntil(601);
    expect(await lookAt(600)).not.toContain('idle');
  });
});
