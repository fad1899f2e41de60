/** What one entry of an API server's audit log says of a call, as far as the rule needs it. */
export interface ApiCall {
  readonly auditId: string;
  readonly stage: string;
  readonly verb: string;
  readonly uri: string;
  readonly user: ApiUser;
  /** Whom the user acted as; null: as itself. */
  readonly impersonated: ApiUser | null;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly pod: string;
  /** The status of the answer; null where the entry has none. */
  readonly code: number | null;
  /** The body, where the audit policy keeps it. */
  readonly body: unknown;
  /** When the API server received the call: the same in every stage. */
  readonly receivedAt: Date;
  readonly addresses: readonly string[];
  readonly agent: string;
}

export interface ApiUser {
  readonly name: string;
  readonly groups: readonly string[];
}

/** A call that added ephemeral containers to a Pod, or that entered one of its containers. */
export interface ContainerCall {
  readonly kind: 'added' | 'exec' | 'attach';
  /** Those that it names; none where the entry does not tell. */
  readonly containers: readonly string[];
  /** What it ran, for `exec`. */
  readonly command: readonly string[];
}

/** More than a request has room for: the API server takes 3 MiB of a body and 1 MiB of a URI. */
const NAMES_MAX = 500_000;

/** What each subresource of Pods is called here. */
const KINDS: Readonly<Record<string, { kind: ContainerCall['kind']; verbs: readonly string[] }>> = {
  ephemeralcontainers: { kind: 'added', verbs: ['patch', 'update'] },
  exec: { kind: 'exec', verbs: ['get', 'create', 'connect'] },
  attach: { kind: 'attach', verbs: ['get', 'create', 'connect'] },
};

/**
 * What the call did to containers; undefined where it did nothing that concerns them: another resource, a refusal, a dry
 * run, or not done yet. An entry without a status counts as done: what is not known to have failed is looked at.
 */
export function containerCall(call: ApiCall): ContainerCall | undefined {
  const known = Object.hasOwn(KINDS, call.subresource) ? KINDS[call.subresource] : undefined;
  if (call.resource !== 'pods' || !known?.verbs.includes(call.verb)) return undefined;
  if (call.stage === 'RequestReceived' || (call.code !== null && call.code >= 400))
    return undefined;
  const query = queryOf(call.uri);
  if (known.kind === 'added') {
    // The one value that Kubernetes takes.
    if (query.getAll('dryRun').includes('All')) return undefined;
    return { kind: 'added', containers: namesIn(call.body), command: [] };
  }
  // The API server takes the first that it can read (`%zz` it passes over): whoever names several is looked at by all.
  const containers = query.getAll('container').filter((it) => it !== '');
  return {
    kind: known.kind,
    containers: [...new Set(containers)].slice(0, NAMES_MAX),
    command: query.getAll('command'),
  };
}

/**
 * A URI as it stands in the log is a path and its query. A second question mark belongs to the name behind it, as the API
 * server reads it; `URLSearchParams` would leave out one that comes first.
 */
function queryOf(uri: string): URLSearchParams {
  const at = uri.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : `&${uri.slice(at + 1)}`);
}

/** The names of ephemeral containers in a Pod, a merge patch or a JSON patch (RFC 6902). */
function namesIn(body: unknown): string[] {
  const lists = Array.isArray(body) ? body.map(valueOf) : [member(member(body, 'spec'), LIST)];
  const names = lists
    .flat()
    .map((it) => member(it, 'name'))
    .filter((it) => typeof it === 'string');
  return [...new Set(names)].slice(0, NAMES_MAX);
}

const LIST = 'ephemeralContainers';

/** What one operation of a JSON patch puts there: one container, a list of them, or all that is above. */
function valueOf(operation: unknown): unknown {
  const value = member(operation, 'value');
  return member(member(value, 'spec'), LIST) ?? member(value, LIST) ?? value;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
