import { Command, InvalidArgumentError, Option } from 'commander';
import type { DecisionChange, DiffSummary } from '../../app/diff-policies.js';
import type { PolicyCase } from '../../app/test-policies.js';
import { testCase, untriedRules } from '../../app/test-policies.js';
import { decideSituation, situationFacts } from '../../app/situation-facts.js';
import { durationSeconds } from '../../contract/duration.schema.js';
import { explain } from '../../domain/policy/explain.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import { decisionLines, indented, traceLines } from './decision.text.js';
import { changeLines, summaryLines } from './diff.text.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import type { Screen } from './screen.js';
import { complain, counted, say, sayJson } from './screen.js';
import { addSituationOptions, situationOf } from './situation.options.js';
import { closingText, outcomeJson, outcomeLines } from './test-run.text.js';

/** Input that cannot be read, as sentences. */
export interface Unreadable {
  readonly unreadable: readonly string[];
}

/** What the commands need of the world. */
export interface PolicyCommandDeps {
  readonly screen: Screen;
  readonly now: () => Date;
  /** The set that the folders hold together, or every error of their documents. */
  readonly loadPolicies: (
    folders: readonly string[],
  ) => Promise<PolicySet | { readonly policyErrors: readonly string[] } | Unreadable>;
  /** The cases of `folders`, or of the folder `tests` in each of the `policies`. */
  readonly loadTests: (args: {
    readonly folders: readonly string[];
    readonly policies: readonly string[];
  }) => Promise<{ readonly cases: readonly PolicyCase[] } | Unreadable>;
  /** What a YAML file holds. */
  readonly readFile: (path: string) => Promise<{ readonly value: unknown } | Unreadable>;
  readonly diff: (args: {
    readonly set: PolicySet;
    readonly since: Date;
    readonly limit: number;
    readonly databaseUrlFile: string | undefined;
    readonly changed: (change: DecisionChange) => Promise<void>;
  }) => Promise<DiffSummary | Unreadable>;
}

interface Output {
  readonly output: 'text' | 'json';
}

type Done = (code: ExitCode) => void;

const FOLDERS = ['<folder...>', 'folders of policy documents, read as one set'] as const;
const RULES_TOLD = 50;

/** `hallpass policy`: checking, testing, explaining and comparing documents, without a broker. */
export function policyCommands(deps: PolicyCommandDeps, done: Done): Command {
  const { screen } = deps;
  const policy = new Command('policy').description('check, test, explain and compare policies');

  const unreadable = (why: readonly string[]): void => {
    complain(screen, ...why);
    done(EXIT.trouble);
  };
  /** Documents with errors are a finding of `check`, and input that cannot be read for all else. */
  const setOf = async (folders: readonly string[]): Promise<PolicySet | undefined> => {
    const loaded = await deps.loadPolicies(folders);
    if ('hash' in loaded) return loaded;
    unreadable('unreadable' in loaded ? loaded.unreadable : loaded.policyErrors);
    return undefined;
  };

  withOutput(policy.command('check'))
    .description('tell every error of the documents, with file, line and column')
    .argument(...FOLDERS)
    .action(async (folders: string[], { output }: Output) => {
      const loaded = await deps.loadPolicies(folders);
      if ('unreadable' in loaded) return unreadable(loaded.unreadable);
      const errors = 'policyErrors' in loaded ? loaded.policyErrors : [];
      const counts = 'hash' in loaded ? countsOf(loaded) : null;
      if (output === 'json') await sayJson(screen, { errors, ...counts });
      else if ('hash' in loaded) await say(screen, ...countLines(loaded));
      else await say(screen, ...errors, counted(errors.length, 'error'));
      done(errors.length === 0 ? EXIT.ok : EXIT.found);
    });

  withOutput(policy.command('test'))
    .description('decide the requests of test documents, and compare with what they expect')
    .argument(...FOLDERS)
    .option(
      '--tests <folder...>',
      'folders of PolicyTest documents (default: the folder "tests" in each of the folders)',
    )
    .action(async (folders: string[], { output, tests = [] }: Output & { tests?: string[] }) => {
      const set = await setOf(folders);
      if (!set) return;
      const read = await deps.loadTests({ folders: tests, policies: folders });
      if ('unreadable' in read) return unreadable(read.unreadable);
      const outcomes = read.cases.map((it) => testCase(set, it, deps.now()));
      const failed = outcomes.filter(({ failures }) => failures.length > 0).length;
      const passed = outcomes.length - failed;
      const untried = untriedRules(set, outcomes);
      if (output === 'json') {
        await sayJson(screen, { passed, failed, untried, cases: outcomes.map(outcomeJson) });
      } else {
        let test = '';
        for (const outcome of outcomes) {
          if (outcome.case.test !== test) await say(screen, (test = outcome.case.test));
          await say(screen, ...outcomeLines(outcome));
        }
        const missing =
          untried.length === 0 ? [] : [`no case is decided by: ${untried.join(', ')}`];
        await say(screen, '', ...missing, closingText(passed, failed));
      }
      done(failed === 0 ? EXIT.ok : EXIT.found);
    });

  withOutput(addSituationOptions(policy.command('explain')))
    .description('say what policy would say to a request, and what each rule has to do with it')
    .argument(...FOLDERS)
    .action(async (folders: string[], { output, as, ...flags }: Output & { as?: string }) => {
      const set = await setOf(folders);
      if (!set) return;
      const file = as === undefined ? { value: undefined } : await deps.readFile(as);
      if ('unreadable' in file) return unreadable(file.unreadable);
      const situation = situationOf(file.value, flags);
      if (!('person' in situation)) return unreadable(situation);
      const facts = situationFacts(situation, { set, now: deps.now() });
      const decision = decideSituation(set, facts);
      const { rules } = explain(set, facts);
      const told = rules.slice(0, RULES_TOLD);
      const more = rules.length - told.length;
      if (output === 'json')
        await sayJson(screen, { ...decision, rules: told, rulesLeftOut: more });
      else {
        await say(screen, ...decisionLines(decision), '', 'The rules, the nearest first:');
        await say(screen, ...indented(traceLines(told)));
        if (more > 0) await say(screen, `  and ${counted(more, 'rule')} more`);
      }
      done(EXIT.ok);
    });

  withOutput(policy.command('diff'))
    .description('make past decisions of the database again, and tell those that would change')
    .argument('<folder...>', 'folders of the proposed documents, read as one set')
    .addOption(
      new Option('--since <duration>', 'how far back, as 30d or 12h')
        .argParser(sinceSeconds)
        .default(30 * 86_400, '30d'),
    )
    .option('--limit <count>', 'at most so many decisions, the newest', wholeNumber, 100_000)
    .option(
      '--database-url-file <file>',
      'a file that holds the URL of the database (default: the configuration’s)',
    )
    .action(async (folders: string[], options: DiffOptions) => {
      const set = await setOf(folders);
      if (!set) return;
      const { output, limit, databaseUrlFile } = options;
      const since = new Date(deps.now().getTime() - options.since * 1000);
      // However many change, none is kept: the list is closed when the last is told.
      const isJson = output === 'json';
      let told = 0;
      const changed = (change: DecisionChange): Promise<void> =>
        isJson
          ? screen.out(`${told++ === 0 ? '{"changes": [' : ','}\n${JSON.stringify(change)}`)
          : say(screen, ...changeLines(change), '');
      const summary = await deps.diff({ set, since, limit, databaseUrlFile, changed });
      if ('unreadable' in summary) return unreadable(summary.unreadable);
      if (isJson) {
        const head = told === 0 ? '{"changes": [' : '\n';
        await screen.out(`${head}], "summary": ${JSON.stringify(summary)}}\n`);
      } else await say(screen, ...summaryLines(summary));
      done(summary.changed === 0 ? EXIT.ok : EXIT.found);
    });

  return policy;
}

interface DiffOptions extends Output {
  readonly since: number;
  readonly limit: number;
  readonly databaseUrlFile?: string;
}

function withOutput(command: Command): Command {
  return command.addOption(
    new Option('-o, --output <format>', 'for people or for programs')
      .choices(['text', 'json'])
      .default('text'),
  );
}

function countsOf({ hash, files, policies, profiles, onCallSources }: PolicySet) {
  return {
    hash,
    files: files.length,
    policies: policies.length,
    profiles: profiles.length,
    onCallSources: onCallSources.length,
  };
}

function countLines(set: PolicySet): string[] {
  const { files, policies, profiles, onCallSources } = countsOf(set);
  const counts = [
    counted(policies, 'policy', 'policies'),
    counted(profiles, 'profile'),
    counted(onCallSources, 'on-call source'),
  ];
  return [`${counts.join(', ')} in ${counted(files, 'file')}: no errors`, `hash ${set.hash}`];
}

function sinceSeconds(text: string): number {
  const seconds = durationSeconds(text);
  if (!seconds) throw new InvalidArgumentError('It must be a duration such as 30d, 12h or 90m.');
  return seconds;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
