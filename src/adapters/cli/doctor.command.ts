import { Command, InvalidArgumentError, Option } from 'commander';
import type { Finding, Verdict } from '../../domain/doctor/finding.js';
import { VERDICTS, worstOf } from '../../domain/doctor/finding.js';
import type { RbacSubject } from '../../domain/doctor/rbac.rules.js';
import { readSubject } from '../../domain/doctor/rbac.rules.js';
import type { Impersonation } from '../../domain/impersonation.js';
import type { Output } from './client.world.js';
import { trouble } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import type { Screen } from './screen.js';
import { sayJson } from './screen.js';
import type { Line, Style } from './styled.text.js';
import { lineText, styled } from './styled.text.js';

/** What is to be looked at. */
export interface DoctorArgs {
  /** The configuration of the service; undefined: what the environment says. */
  readonly config: string | undefined;
  /** Look at one cluster alone, by this. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespaces: readonly string[];
  /** Hallpass's own account in the cluster. */
  readonly account: RbacSubject;
  /** How Hallpass acts in people's names there; undefined: as the configuration says, or not. */
  readonly impersonate: Impersonation | undefined;
  /** Who is asked about whatever bindings say. */
  readonly subjects: readonly RbacSubject[];
  /** Who may go around Hallpass. */
  readonly except: readonly RbacSubject[];
}

export interface DoctorCommandDeps {
  readonly screen: Screen;
  /** What the screen writes to: colours are for terminals. */
  readonly output: () => Output;
  readonly examine: (args: DoctorArgs) => Promise<readonly Finding[]>;
}

interface Options extends Pick<DoctorArgs, 'config' | 'kubeconfig' | 'context' | 'account'> {
  readonly impersonate?: string;
  readonly namespaces?: readonly string[];
  readonly subject?: readonly RbacSubject[];
  readonly except?: readonly RbacSubject[];
  readonly json?: boolean;
}

/** What the process ends with. What is unknown is never fine. */
const EXIT_BY_VERDICT: Readonly<Record<Verdict, ExitCode>> = {
  ok: EXIT.ok,
  unknown: EXIT.found,
  warning: EXIT.found,
  failure: EXIT.trouble,
};

const ACCOUNT = 'serviceaccount:hallpass/hallpass';

/** `hallpass doctor`: what is wrong with an installation, or with its cluster, and what to do about it. */
export function doctorCommand(deps: DoctorCommandDeps, done: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('look at an installation, or at a cluster, and say what to do about what is wrong')
    .addOption(
      new Option(
        '--config <file>',
        'look at all that this configuration names (default: HALLPASS_CONFIG)',
      ).conflicts('kubeconfig'),
    )
    .option('--kubeconfig <file>', 'look at a cluster alone, by a kubeconfig: from a laptop')
    .option('--context <name>', 'the context in it (default: its current one)')
    .option('--namespaces <names>', 'the namespaces that are debugged in, as a,b', names)
    .addOption(
      new Option('--account <subject>', 'Hallpass’s account there')
        .argParser(subject)
        .default(subject(ACCOUNT), ACCOUNT),
    )
    .addOption(
      new Option(
        '--impersonate <group>',
        'the group in which Hallpass acts in people’s names there, where it does',
      ).conflicts('config'),
    )
    .option('--subject <subject>', 'somebody to ask about: user:alice, group:developers', more)
    .option('--except <subject>', 'somebody who may go around Hallpass; may be given again', more)
    .option('--json', 'one object, for programs')
    .addHelpText(
      'after',
      '\nExit codes: 0 all ok, 1 warnings or unknowns only, 2 any failure (docs/doctor.md).',
    )
    .action(async (options: Options) => {
      const {
        namespaces = [],
        subject: subjects = [],
        except = [],
        json = false,
        impersonate: group,
        ...rest
      } = options;
      if (rest.kubeconfig !== undefined && namespaces.length === 0) {
        throw trouble('Name the namespaces that are debugged in: --namespaces a,b.');
      }
      if (rest.context !== undefined && rest.kubeconfig === undefined) {
        throw trouble('A context is one of a kubeconfig: give --kubeconfig as well.');
      }
      const { screen } = deps;
      const output = deps.output();
      const findings = await deps.examine({
        ...rest,
        ...{ config: rest.config, kubeconfig: rest.kubeconfig, context: rest.context },
        ...{ namespaces, subjects, except },
        impersonate: group === undefined ? undefined : { userPrefix: 'hallpass:', group },
      });
      const verdict = worstOf(findings);
      if (json) await sayJson(screen, { verdict, findings });
      else {
        const lines = findingLines(findings).map((line) => `${lineText(line, output)}\n`);
        await screen.out(lines.join(''));
      }
      done(EXIT_BY_VERDICT[verdict]);
    });
}

function names(text: string): readonly string[] {
  const found = text.split(',').filter((name) => name !== '');
  const isName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name);
  if (found.length === 0 || !found.every(isName)) {
    throw new InvalidArgumentError('They must be names of namespaces, as a,b.');
  }
  return found;
}

function subject(text: string): RbacSubject {
  const found = readSubject(text);
  if (found) return found;
  throw new InvalidArgumentError(
    'It must be user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME.',
  );
}

function more(text: string, before: readonly RbacSubject[] = []): readonly RbacSubject[] {
  return [...before, subject(text)];
}

const STYLES: Readonly<Record<Verdict, Style>> = {
  ok: 'green',
  unknown: 'cyan',
  warning: 'yellow',
  failure: 'red',
};

/** The table for people: two lines a row, and a third where there is something to do. */
export function findingLines(findings: readonly Finding[]): Line[] {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const gap = ' '.repeat(9);
  const rows = findings.flatMap(({ check, on, verdict, seen, advice }): Line[] => [
    [styled(STYLES[verdict], verdict.padEnd(9)), styled('bold', check.padEnd(width)), `  ${on}`],
    [gap, sentence(seen)],
    ...(advice === null ? [] : [[gap, styled('bold', 'To do: '), sentence(advice)]]),
  ]);
  const counts = VERDICTS.map((verdict) => {
    const count = findings.filter((it) => it.verdict === verdict).length;
    return `${count} ${verdict}`;
  });
  const [first, ...others] = findings.filter(({ verdict }) => verdict === 'failure');
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const begin = first === undefined ? [] : [`Begin with ${first.check} ${first.on}${more}.`];
  return [...rows, `${counts.join(', ')}.`, ...begin];
}

/** Names keep their letters: only a word becomes a beginning. */
function sentence(text: string): string {
  const begun = /^[a-z’]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return `${begun}.`;
}
