import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  strengthProbe,
  termCommand,
  TIMER_SECONDS_MAX,
  timerCommand,
} from '../../src/domain/timebox/timer.js';
import { SHELLS } from '../support/shells.js';
import { statusOf } from './container.js';
import { PROGRAMS } from './image.js';
import { shellPath, skipWhereImpossible, Trial } from './timer.trial.js';
import { hostileUser } from './users.js';

const SOMEBODY = { person: 'ordinary', pids: 'own' } as const;

describe.concurrent.each(SHELLS)('%s', (shell) => {
  skipWhereImpossible(shell);

  test('what is no number of seconds is refused (64), and nothing is ended', async () => {
    await using trial = await Trial.start({ ...SOMEBODY, shell });
    await trial.holds();
    const seconds = { startByEpochSeconds: 99_999_999_999, durationSeconds: 1 };
    const command = timerCommand({ shell: trial.image.shell, ...seconds });
    const given = fc.constantFrom(...Object.values(seconds).map(String));
    const nonsense = fc.oneof(
      fc.constantFrom('', '0', '01', '-1', '+1', '1 ', '1\n2', '1.5', '1e3', '0x1', '$(id)', '²'),
      fc.constantFrom('9'.repeat(12), '9'.repeat(40)),
      fc.string().filter((text) => !/^\d+$/.test(text)),
    );
    await fc.assert(
      fc.asyncProperty(given, nonsense, async (word, instead) => {
        const spoiled = command.map((each) => (each === word ? instead : each));
        const { exitCode, output } = await trial.debug.exec(spoiled).ended;
        expect({ exitCode, output }).toEqual({ exitCode: 64, output: '' });
      }),
      { numRuns: 20 },
    );
    expect(trial.debug.processes()).toContain(trial.debug.pid);
  });

  test('the longest that can be asked for is held for', async () => {
    await using trial = await Trial.start({
      ...SOMEBODY,
      shell,
      durationSeconds: TIMER_SECONDS_MAX,
      startInSeconds: 90_000_000_000,
    });
    await trial.holds();
    trial.debug.main.writeLine();
    expect(await trial.ended()).toMatchObject({ exitCode: 0, output: '' });
  });
});

describe.concurrent.each([
  { shell: 'dash', missing: 'date', programs: ['sleep'] },
  { shell: 'dash', missing: 'sleep', programs: ['date'] },
  { shell: 'bash', missing: 'date', programs: [] },
] as const)('$shell without $missing', ({ shell, programs }) => {
  skipWhereImpossible(shell);

  test('ends at once and says what it lacks (69)', async () => {
    await using trial = await Trial.start({ ...SOMEBODY, shell, programs });
    expect(await trial.ended()).toMatchObject({ exitCode: 69 });
  });
});

/** Images, and what the probe says of them. Where the image's shell hands over, to which program. */
const IMAGES = [
  { shell: 'busybox', beside: null, strength: 0 },
  { shell: 'bash', beside: null, strength: 0 },
  { shell: 'dash', beside: null, strength: 3 },
  { shell: 'dash', beside: 'bash', strength: 0 },
  { shell: 'dash', beside: 'busybox', strength: 0 },
] as const;

describe.concurrent.each(IMAGES)('$shell, beside it $beside', ({ shell, beside, strength }) => {
  const more = beside === null ? [] : [beside];
  skipWhereImpossible(shell, ...more);
  const settings = () => ({
    shell,
    programs: [...PROGRAMS, ...more.map((name) => ({ name, path: shellPath(name) }))],
  });

  test(`is told to be ${strength === 0 ? 'strong' : 'weak'}, as it is`, async () => {
    await using trial = await Trial.start({ ...SOMEBODY, ...settings() });
    await trial.holds();
    const { exitCode } = await trial.debug.exec(strengthProbe(trial.image.shell)).ended;
    expect(exitCode).toBe(strength);
    const needsNoChild = trial.debug.processes().length === 1;
    expect(needsNoChild).toBe(strength === 0);
    expect(statusOf(trial.debug.pid, 'Name')).toBe(beside ?? 'sh');
  });

  if (beside === null) return;

  test('once handed over, ends at its deadline whatever a user does', async () => {
    const person = 'root';
    await using trial = await Trial.start({
      ...{ person, pids: 'shared', durationSeconds: 3 },
      ...settings(),
    });
    await trial.holds();
    await trial.enter(hostileUser({ shell: trial.image.shell, spare: trial.timer }));
    expect(await trial.ended()).toMatchObject({ exitCode: 0 });
    expect(trial.debug.remains()).toEqual([]);
  });

  test('once handed over, ends on TERM (143) and with its input (74)', async () => {
    await using first = await Trial.start({ ...SOMEBODY, ...settings() });
    await using second = await Trial.start({ ...SOMEBODY, ...settings() });
    await first.holds();
    await second.holds();
    first.debug.exec(termCommand(first.image));
    second.debug.main.closeInput();
    expect(await first.ended()).toMatchObject({ exitCode: 143 });
    expect(await second.ended()).toMatchObject({ exitCode: 74 });
  });
});

describe.concurrent.each(SHELLS)('%s, looking for its timer', (shell) => {
  skipWhereImpossible(shell, 'bash');

  test('is not misled by the names that users give to processes', async () => {
    const names = [') S 0 0 0 0 0', 'a\n1 (b) S 0 0', 'x *\n', '-n (', '\\$me `id`'];
    const programs = names.map((name) => ({ name, path: shellPath('bash') }));
    await using trial = await Trial.start({
      ...{ shell, person: 'ordinary', pids: 'shared' },
      programs: [...PROGRAMS, ...programs],
    });
    await trial.holds();
    for (const name of names) {
      await trial.enter([trial.image.path(name), '-c', 'echo here; read x']);
    }
    // Where a name is taken for a pattern of file names, these are what it finds.
    const folder = trial.image.path('numbers');
    await mkdir(folder);
    for (let number = 1; number <= 30; number++) await writeFile(join(folder, `${number}`), '');
    const { shell: sh } = trial.image;
    trial.debug.exec([sh, '-c', 'cd "$0" && exec "$@"', folder, ...termCommand(trial.image)]);
    expect(await trial.ended()).toMatchObject({ exitCode: 143, output: '' });
    expect(trial.debug.remains()).toEqual([]);
  });
});
