import { TargetList } from '../../contract/target.schema.js';
import { dnsLabel, prose } from '../../contract/text.schema.js';
import type { BrokerClient } from './broker.client.js';
import { KnownClusters, troubleOf } from './cluster.commands.js';
import { CommandFailure, trouble } from './command.failure.js';
import type { Named } from './debug.wish.js';
import { namedTarget, targetWord } from './debug.wish.js';
import { Questions } from './questions.js';
import type { Running } from './client.command.js';

const TARGETS_MAX = 1_000;
const PAGE = 200;
const OTHER = '\u0000';

type Targets = Pick<TargetList, 'items' | 'profiles'>;
type Namespaces = KnownClusters['items'][number];

/** Finds out what was not said on the command line: by what there is one of, and by asking. */
export class DebugQuestions {
  private readonly ask: Questions;

  constructor(
    private readonly running: Running,
    private readonly broker: BrokerClient,
  ) {
    this.ask = new Questions(running.world);
  }

  async cluster(named: string | undefined): Promise<Namespaces> {
    const { value } = await this.broker.call('/v1/clusters', KnownClusters);
    const names = value.items.map(({ name }) => name);
    const only = names.length === 1 ? names[0] : undefined;
    const name =
      named ??
      only ??
      (await this.or('--cluster', () =>
        this.ask.choose(
          'Which cluster?',
          value.items.map((it) => {
            const trouble = troubleOf(it);
            return { value: it.name, ...(trouble === undefined ? {} : { hint: trouble }) };
          }),
        ),
      ));
    const found = value.items.find((it) => it.name === name);
    if (found) return found;
    throw trouble(`There is no cluster "${name}". There is: ${names.join(', ')}.`);
  }

  async namespace(named: string | undefined, { namespaces }: Namespaces): Promise<string> {
    if (named !== undefined) return named;
    const known = namespaces.filter((it) => !it.includes('*'));
    const [only] = known;
    if (only !== undefined && namespaces.length === 1) return only;
    return this.or('--namespace', async () => {
      const patterns = namespaces.filter((it) => it.includes('*'));
      const other = { value: OTHER, label: 'another one', hint: patterns.join(', ') };
      const chosen =
        known.length === 0
          ? OTHER
          : await this.ask.choose('Which namespace?', [
              ...known.map((value) => ({ value })),
              ...(patterns.length === 0 ? [] : [other]),
            ]);
      if (chosen !== OTHER) return chosen;
      return this.ask.ask(`Which namespace? (${patterns.join(', ')})`, faultOf(dnsLabel()));
    });
  }

  /** What is there to be debugged; nothing where the broker does not tell. */
  async targets(cluster: string, namespace: string): Promise<Targets> {
    const found: Targets = { items: [], profiles: [] };
    let cursor: string | undefined;
    do {
      const page = await this.page(cluster, { namespace, limit: PAGE, cursor });
      if (!page) break;
      found.items.push(...page.items);
      if (cursor === undefined) found.profiles.push(...page.profiles);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && found.items.length < TARGETS_MAX);
    return found;
  }

  async target(text: string | undefined, targets: () => Promise<Targets>) {
    if (text !== undefined) {
      const named = namedTarget(text);
      if (typeof named === 'string') throw trouble(named);
      return named.kind === 'any' ? anyOf(named, await targets()) : named;
    }
    return this.or('TARGET', async () => {
      const { items } = await targets();
      if (items.length === 0) {
        throw trouble('Nothing is known there that you could debug: name the target.');
      }
      const chosen = await this.ask.choose(
        'What do you want to debug?',
        items.map((it) => ({ value: targetWord(it), hint: `${it.ready}/${it.pods} ready` })),
      );
      const named = namedTarget(chosen);
      if (typeof named === 'string' || named.kind === 'any')
        throw new Error(`no target: ${chosen}`);
      return named;
    });
  }

  /** Undefined where the broker knows by itself. */
  async profile(
    named: string | undefined,
    targets: () => Promise<Targets>,
  ): Promise<string | undefined> {
    if (named !== undefined || !this.running.asks) return named;
    const { profiles } = await targets();
    if (profiles.length < 2) return profiles[0]?.name;
    return this.ask.choose(
      'With which profile?',
      profiles.map(({ name, image }) => ({ value: name, hint: image })),
    );
  }

  async reason(given: string | undefined): Promise<string> {
    return given ?? this.or('--reason', () => this.ask.ask('Why?', faultOf(prose(2000))));
  }

  /** Asks, or says what is missing where nobody can be asked. */
  private async or<T>(what: string, ask: () => Promise<T>): Promise<T> {
    if (this.running.asks) return ask();
    throw trouble(`${what} is missing, and nobody can be asked: give it on the command line.`);
  }

  private async page(
    cluster: string,
    query: Readonly<Record<string, string | number | undefined>>,
  ): Promise<TargetList | undefined> {
    try {
      const path = `/v1/clusters/${encodeURIComponent(cluster)}/targets`;
      return (await this.broker.call(path, TargetList, { query })).value;
    } catch (error) {
      // A broker of before, or one that tells nothing of that namespace: asking for the session says why.
      if (error instanceof CommandFailure && error.problem?.status === 404) return undefined;
      throw error;
    }
  }
}

/** A workload of that name comes before a Pod; where nothing is known of either, it is a Pod's. */
function anyOf({ name }: { readonly name: string }, { items }: Targets) {
  const found = items.filter((it) => it.name === name);
  const [first] = found;
  if (found.length > 1) {
    const words = found.map(targetWord).join(', ');
    throw trouble(`"${name}" may be ${words}: say which.`);
  }
  if (first === undefined || first.kind === 'Pod') return { kind: 'pod', name } as const;
  return { kind: 'workload', workload: first.kind, name } as const satisfies Named;
}

function faultOf(schema: {
  safeParse: (text: string) => { error?: { issues: readonly { message: string }[] } | undefined };
}) {
  return (text: string): string | undefined => {
    const message = schema.safeParse(text).error?.issues[0]?.message;
    return message === undefined ? undefined : `It ${message}.`;
  };
}
