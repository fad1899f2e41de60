import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Finding, Verdict } from '../../domain/doctor/finding.js';
import { CommandFailure } from './command.failure.js';
import type { DoctorArgs } from './doctor.command.js';
import { doctorCommand } from './doctor.command.js';

const row = (verdict: Verdict): Finding => ({
  check: 'rights',
  on: 'prod/shop',
  verdict,
  seen: 'it may not create pods/exec',
  advice: verdict === 'ok' ? null : 'add it to the Role there',
});

/** Runs the command as somebody types it. */
async function run(args: readonly string[], findings: readonly Finding[] = [row('ok')]) {
  let [said, code] = ['', -1];
  const asked: DoctorArgs[] = [];
  const command = doctorCommand(
    {
      screen: {
        out: (text) => {
          said += text;
          return Promise.resolve();
        },
        err: () => undefined,
      },
      examine: (given) => {
        asked.push(given);
        return Promise.resolve(findings);
      },
      output: () => new PassThrough(),
    },
    (ended) => {
      code = ended;
    },
  )
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  await command.parseAsync([...args], { from: 'user' });
  return { said, code, asked: asked[0] };
}

describe('hallpass doctor', () => {
  test.each([
    [['ok'], 0],
    [['ok', 'unknown'], 1],
    [['ok', 'warning', 'unknown'], 1],
    [['warning', 'failure'], 2],
  ] as const)('of rows that are %j ends with %d', async (verdicts, code) => {
    expect((await run([], verdicts.map(row))).code).toBe(code);
  });

  test('says of each row what was seen and what to do', async () => {
    const { said } = await run([], [row('failure')]);
    expect(said).toBe(
      [
        'failure  rights  prod/shop',
        '         It may not create pods/exec.',
        '         To do: Add it to the Role there.',
        '0 ok, 0 unknown, 0 warning, 1 failure.',
        'Begin with rights prod/shop.',
        '',
      ].join('\n'),
    );
  });

  test('prints one object for programs', async () => {
    const findings = [row('ok'), row('warning')];
    const { said } = await run(['--json'], findings);
    expect(JSON.parse(said)).toEqual({ verdict: 'warning', findings });
  });

  test('reads whom to ask about, whom to except and where', async () => {
    const given = ['--kubeconfig', 'k', '--namespaces', 'a,b', '--subject', 'user:alice'];
    const { asked } = await run([...given, '--subject', 'group:x', '--except', 'group:root']);
    expect(asked).toMatchObject({
      kubeconfig: 'k',
      namespaces: ['a', 'b'],
      account: { kind: 'ServiceAccount', name: 'hallpass', namespace: 'hallpass' },
      subjects: [
        { kind: 'User', name: 'alice' },
        { kind: 'Group', name: 'x' },
      ],
      except: [{ kind: 'Group', name: 'root' }],
    });
  });

  test('refuses what it cannot look at', async () => {
    await expect(run(['--kubeconfig', 'k'])).rejects.toThrow(CommandFailure);
    await expect(run(['--context', 'c'])).rejects.toThrow(CommandFailure);
    await expect(run(['--kubeconfig', 'k', '--config', 'c'])).rejects.toThrow('cannot be used');
    await expect(run(['--subject', 'alice'])).rejects.toThrow('user:NAME');
    await expect(run(['--kubeconfig', 'k', '--namespaces', 'A'])).rejects.toThrow('namespaces');
  });
});
