import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { durationSeconds } from '../../contract/duration.schema.js';
import { plainSentence } from '../../contract/field.errors.js';
import { Situation } from '../../contract/situation.schema.js';

type Path = readonly [string, ...string[]];

/** One flag: where in the situation its value belongs, and how it is read. */
interface Flag {
  readonly flags: string;
  readonly what: string;
  readonly path: Path;
  readonly read?: (text: string) => unknown;
  /** May be given several times: as a list, or as a map of `key=value`. */
  readonly many?: 'list' | 'map';
}

const FLAGS: readonly Flag[] = [
  { flags: '--subject <subject>', what: 'who asks', path: ['person', 'subject'] },
  { flags: '--issuer <url>', what: 'who vouches for them', path: ['person', 'issuer'] },
  { flags: '--email <email>', what: 'their e-mail', path: ['person', 'email'] },
  { flags: '--group <group>', what: 'a group of theirs', path: ['person', 'groups'], many: 'list' },
  { flags: '--claim <name=value>', what: 'a claim', path: ['person', 'claims'], many: 'map' },
  { flags: '--acr <class>', what: 'how strongly they signed in', path: ['person', 'acr'] },
  { flags: '--amr <method>', what: 'how they signed in', path: ['person', 'amr'], many: 'list' },
  {
    flags: '--auth-age <duration>',
    what: 'how long ago they signed in',
    path: ['person', 'authAgeSeconds'],
    read: secondsOf,
  },
  { flags: '--cluster <name>', what: 'the cluster', path: ['target', 'cluster'] },
  { flags: '--namespace <name>', what: 'the namespace', path: ['target', 'namespace'] },
  {
    flags: '--namespace-label <key=value>',
    what: 'a label of the namespace',
    path: ['target', 'found', 'namespaceLabels'],
    many: 'map',
  },
  { flags: '--pod <name>', what: 'the Pod that was found', path: ['target', 'found', 'pod'] },
  {
    flags: '--pod-label <key=value>',
    what: 'a label of the Pod',
    path: ['target', 'found', 'labels'],
    many: 'map',
  },
  {
    flags: '--owner <kind/name>',
    what: 'what the Pod belongs to, as Deployment/checkout',
    path: ['target', 'found', 'owner'],
    read: ownerOf,
  },
  {
    flags: '--restarts <count>',
    what: 'how often it was restarted',
    path: ['target', 'found', 'restarts'],
    read: Number,
  },
  { flags: '--profile <name>', what: 'the debug profile', path: ['request', 'profile'] },
  {
    flags: '--duration <duration>',
    what: 'how long, as 30m',
    path: ['request', 'durationSeconds'],
    read: secondsOf,
  },
  { flags: '--reason <text>', what: 'the reason given', path: ['request', 'reason'] },
  { flags: '--ticket <text>', what: 'the ticket given', path: ['request', 'ticket'] },
  { flags: '--container <name>', what: 'the container', path: ['request', 'container'] },
  { flags: '--channel <door>', what: 'api, console, cli …', path: ['request', 'channel'] },
  { flags: '--break-glass', what: 'ask to be let in at once', path: ['request', 'breakGlass'] },
  {
    flags: '--on-call <name[=answer]>',
    what: 'a source that says they are on call (true), or not (false), or nothing (unknown)',
    path: ['onCall'],
    read: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
    many: 'map',
  },
  { flags: '--now <instant>', what: 'when it is, as 2026-03-04T10:00:00Z', path: ['now'] },
];

/** Gives a command the flags that make up a situation. */
export function addSituationOptions(command: Command): Command {
  command.option('--as <file>', 'a YAML file with person, target, request, onCall, history, now');
  for (const flag of FLAGS) {
    const { flags, what, many } = flag;
    if (!flags.includes('<')) command.option(flags, what);
    else if (many) command.option(flags, `${what}; may be given several times`, collector(flag));
    else command.option(flags, what, flag.read ?? ((text: string) => text));
  }
  return command;
}

/**
 * The situation that a file and the flags over it say.
 *
 * @param file what the file of `--as` holds; undefined where none was given.
 * @returns sentences where it is none.
 */
export function situationOf(
  file: unknown,
  flags: Readonly<Record<string, unknown>>,
): Situation | readonly string[] {
  const tree: Record<string, unknown> = isMap(file) ? structuredClone(file) : {};
  for (const flag of FLAGS) {
    const value = flags[attributeOf(flag)];
    if (value !== undefined) lay(tree, flag.path, value);
  }
  const parsed = Situation.safeParse(tree, { error: plainSentence });
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    const names = FLAGS.filter((it) => it.path.join('.') === path).map(({ flags: it }) => it);
    const keys = issue.code === 'unrecognized_keys' ? ` (${issue.keys.join(', ')})` : '';
    return `${path === '' ? 'the situation' : path}${keys} ${issue.message}${names.length === 0 ? '' : ` (${names.join()})`}`;
  });
}

function lay(tree: Record<string, unknown>, path: Path, value: unknown): void {
  const [head, ...rest] = path;
  const [next, ...more] = rest;
  const below = tree[head];
  if (next === undefined) {
    tree[head] = isMap(value) && isMap(below) ? { ...below, ...value } : value;
    return;
  }
  const map = isMap(below) ? below : {};
  tree[head] = map;
  lay(map, [next, ...more], value);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name that Commander gives a flag's value: `--on-call <x>` is `onCall`. */
function attributeOf({ flags }: Flag): string {
  const name = flags.slice(2).split(' ')[0] ?? '';
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function collector({ many, read = (text) => text }: Flag) {
  return (text: string, before: unknown): unknown => {
    if (many === 'list') return [...(Array.isArray(before) ? (before as unknown[]) : []), text];
    const at = text.indexOf('=');
    const [key, value] = at < 0 ? [text, 'true'] : [text.slice(0, at), text.slice(at + 1)];
    return { ...(isMap(before) ? before : {}), [key]: read(value) };
  };
}

function secondsOf(text: string): number {
  const seconds = durationSeconds(text);
  if (seconds === undefined) throw new InvalidArgumentError('It must be a duration such as 30m.');
  return seconds;
}

function ownerOf(text: string): { kind: string; name: string } {
  const [kind = '', ...name] = text.split('/');
  return { kind, name: name.join('/') };
}
