import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { killCommand } from '../../src/domain/timebox/timer.js';
import { SHELLS } from '../support/shells.js';
import { statusOf, until } from './container.js';
import { skipWhereImpossible, Trial } from './timer.trial.js';
import { stayingUser } from './users.js';

/** Perl makes system calls by number. These are ptrace and exit (of one thread), by Node's name of the processor. */
const PERL = '/usr/bin/perl';
const SYSTEM_CALLS: Readonly<Record<string, { ptrace: number; exit: number }>> = {
  x64: { ptrace: 101, exit: 60 },
  arm64: { ptrace: 117, exit: 93 },
};
const calls = SYSTEM_CALLS[process.arch];
const hasPerl = spawnSync(PERL, ['-Mthreads', '-e', '1']).status === 0;

describe.concurrent.each(SHELLS)('%s, against tricks with system calls', (shell) => {
  skipWhereImpossible(shell);

  test.for(['own', 'shared'] as const)(
    'the kill command ends a timer that a user holds up as a debugger does, %s PID namespace',
    async (pids, { skip }) => {
      if (calls === undefined || !hasPerl) return skip(`no ${PERL} with threads here`);
      await using trial = await Trial.start({ shell, person: 'root', pids });
      await trial.holds();
      const attach = `syscall(${calls.ptrace}, 16, ${trial.timer}, 0, 0) == 0 or die $!`;
      await trial.enter([PERL, '-e', `${attach}; $| = 1; print "here\n"; sleep 600`]);
      const { pid } = trial.debug;
      await until('the timer is held up', () => statusOf(pid, 'State')?.startsWith('t') ?? false);

      trial.debug.exec(killCommand(trial.image));

      expect(await trial.ended()).toMatchObject({ exitCode: 143 });
      expect(trial.debug.remains()).toEqual([]);
    },
  );

  test('a process whose first thread has exited is ended too', async ({ skip }) => {
    if (calls === undefined || !hasPerl) return skip(`no ${PERL} with threads here`);
    await using trial = await Trial.start({ shell, person: 'root', pids: 'shared' });
    await trial.holds();
    const thread = 'threads->create(sub { sleep 600 }); $| = 1; print "here\n"';
    const exit = `<STDIN>; syscall(${calls.exit}, 0)`;
    const user = await trial.enter([PERL, '-Mthreads', '-e', `${thread}; ${exit}`]);
    const pid = trial.debug.processes().find((it) => statusOf(it, 'Name') === 'perl')!;
    user.writeLine();
    await until(
      'one thread of two has exited',
      () => statusOf(pid, 'State')?.startsWith('Z') ?? false,
    );

    await trial.enter(stayingUser(trial.image));

    trial.debug.main.writeLine();

    expect(await trial.ended()).toMatchObject({ exitCode: 0 });
    await until('the other has ended', () => statusOf(pid, 'State') === undefined);
  });
});
