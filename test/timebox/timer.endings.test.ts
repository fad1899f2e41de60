import { describe, expect, test } from 'vitest';
import { killCommand, termCommand } from '../../src/domain/timebox/timer.js';
import { signal, statusOf, until } from './container.js';
import { CASES, SHARED_CASES, skipWhereImpossible, Trial, turnsOf } from './timer.trial.js';
import { hostileUser, stayingUser } from './users.js';

/** Each way to end a container before its deadline, and the exit code of its main process. */
const ENDINGS: readonly (readonly [string, number, (trial: Trial) => unknown])[] = [
  ['a line on its standard input', 0, ({ debug }) => debug.main.writeLine()],
  ['the end of its standard input', 74, ({ debug }) => debug.main.closeInput()],
  ['TERM', 143, ({ debug }) => signal(debug.pid, 'SIGTERM')],
  ['INT', 143, ({ debug }) => signal(debug.pid, 'SIGINT')],
  ['the term command', 143, ({ debug, image }) => debug.exec(termCommand(image))],
  ['the kill command', 143, ({ debug, image }) => debug.exec(killCommand(image))],
];

describe.concurrent.each(CASES)('$shell, $person, $pids PID namespace', (it) => {
  skipWhereImpossible(it.shell);

  test.each(ENDINGS)('%s ends the container at once (%i), and all in it', async (_, code, end) => {
    await using trial = await Trial.start(it);
    await trial.holds();
    await trial.enter(stayingUser(trial.image));
    const turns = turnsOf(trial.app);

    end(trial);

    expect(await trial.ended()).toMatchObject({ exitCode: code, output: '' });
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });

  test('HUP does not end it', async () => {
    await using trial = await Trial.start(it);
    await trial.holds();
    signal(trial.debug.pid, 'SIGHUP');
    // Signals come in the order of their numbers, and before what is read: had HUP ended it, no line would.
    trial.debug.main.writeLine();
    expect(await trial.ended()).toMatchObject({ exitCode: 0 });
  });

  test('the kill command, repeated, ends a user who fights', async () => {
    await using trial = await Trial.start(it);
    await trial.holds();
    const spare = trial.app === undefined ? undefined : trial.timer;
    await trial.enter(hostileUser({ shell: trial.image.shell, spare }));
    const turns = turnsOf(trial.app);

    let tries = 0;
    while (trial.debug.processes().length > 0 && tries < 20) {
      tries += 1;
      await trial.debug.exec(killCommand(trial.image)).ended;
    }

    expect(await trial.ended()).toMatchObject({ exitCode: 143 });
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });

  test('started too late, it ends at once', async () => {
    await using trial = await Trial.start({ ...it, startInSeconds: -1 });
    expect(await trial.ended()).toMatchObject({ exitCode: 0, output: '' });
  });
});

/** What a main process does that is no timer. */
const WAIT = 'while :; do read -r x; done';

describe.concurrent.each(SHARED_CASES)('$shell, $person, $pids PID namespace', (it) => {
  skipWhereImpossible(it.shell);

  test.each([
    ['term', termCommand],
    ['kill', killCommand],
  ])('the %s command ends a timer that a user has stopped', async (_, command) => {
    await using trial = await Trial.start(it);
    await trial.holds();
    const { pid } = trial.debug;
    await trial.debug.exec([trial.image.shell, '-c', `kill -STOP ${trial.timer}`]).ended;
    await until('the timer is stopped', () => statusOf(pid, 'State')?.startsWith('T') ?? false);
    const turns = turnsOf(trial.app);

    trial.debug.exec(command(trial.image));

    expect(await trial.ended()).toMatchObject({ exitCode: 143 });
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });

  test('another debug container of the same app goes on', async () => {
    await using first = await Trial.start(it);
    await using second = await Trial.start({ ...it, app: first.app! });
    await second.holds();
    await second.enter(stayingUser(second.image));
    await first.holds();
    // A timer without a time limit has a new child every second.
    const others = second.debug
      .processes()
      .filter((pid) => statusOf(pid, 'PPid') !== String(second.debug.pid));

    first.debug.main.writeLine();
    await first.ended();

    expect(first.debug.remains()).toEqual([]);
    expect(second.debug.processes()).toEqual(expect.arrayContaining(others));
  });

  test.each([
    ['KILLs a main process that does not listen', '""', 137],
    ['ends all else before a main process that ends nothing', '"exit 3"', 3],
  ])('the kill command %s', async (_, onTerm, code) => {
    await using trial = await Trial.start({
      ...it,
      command: ({ shell }) => [shell, '-c', `trap ${onTerm} TERM; trap "" HUP; ${WAIT}`],
    });
    await trial.holds();
    await trial.enter(stayingUser(trial.image));
    const turns = turnsOf(trial.app);

    // The command itself outlives such a main process, by one step.
    await trial.debug.exec(killCommand(trial.image)).ended;

    expect(await trial.ended()).toMatchObject({ exitCode: code });
    expect(trial.debug.remains()).toEqual([]);
    expect(turnsOf(trial.app)).toEqual(turns);
  });
});
