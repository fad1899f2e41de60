import type { Json } from '../audit/canonical.js';
import type { Fields, LoggedEvent } from '../audit/logged.event.js';
import { textOf, within } from '../audit/logged.event.js';

/** What the events of a session tell of one container: what was to be sent, and what came back. */
export interface ToldContainer {
  readonly name: string;
  readonly image: string | null;
  /** The place of the event that says what is about to be sent. */
  readonly intent: number;
  readonly sha256: string | null;
  /** Null where an event of an older version does not tell it, or it was too large for an event. */
  readonly spec: Json;
  readonly status: readonly ToldStatus[];
}

export interface ToldStatus {
  readonly event: number;
  readonly at: string;
  readonly action: string;
  readonly facts: Fields;
}

/** Of a step's data, what the cluster said of a container. */
const STATUS = [
  'seen',
  'imageId',
  'exitCode',
  'kubernetesReason',
  'kubernetesMessage',
  'kubernetesStartedAt',
  'kubernetesFinishedAt',
  'detail',
  'problem',
] as const;

const STATUS_ACTIONS: ReadonlySet<string> = new Set(
  ['run', 'move', 'unextend', 'retire', 'stop', 'halt', 'finish', 'fail', 'reject'].map(
    (event) => `session.${event}`,
  ),
);

/** The containers of a session, in the order in which they were to be added, by its events in their order. */
export function toldContainers(events: readonly LoggedEvent[]): ToldContainer[] {
  const containers: (ToldContainer & { readonly status: ToldStatus[] })[] = [];
  for (const { index, fields } of events) {
    const action = textOf(fields, 'action') ?? '';
    const data = within(fields, 'data');
    const target = within(fields, 'target');
    const intended = intendedBy(action, fields);
    if (intended !== undefined) {
      const told = within(data, 'containerSpec');
      containers.push({
        name: intended.name,
        image: intended.image,
        intent: index,
        sha256: textOf(told, 'sha256') ?? null,
        spec: told['spec'] ?? null,
        status: [],
      });
    }
    if (!STATUS_ACTIONS.has(action)) continue;
    const at = textOf(fields, 'time') ?? '';
    const add = (name: string | undefined, facts: Fields) =>
      containers
        .findLast((it) => it.name === name)
        ?.status.push({ event: index, at, action, facts: statusOf(facts) });
    add(textOf(data, 'container') ?? textOf(target, 'debugContainer'), data);
    for (const other of objectsIn(data['others'])) add(textOf(other, 'container'), other);
  }
  return containers;
}

function intendedBy(
  action: string,
  fields: Fields,
): { readonly name: string; readonly image: string | null } | undefined {
  const [data, target] = [within(fields, 'data'), within(fields, 'target')];
  const extension = within(data, 'extension');
  const [from, name] =
    action === 'session.start'
      ? [target, textOf(target, 'debugContainer')]
      : action === 'session.extend'
        ? [extension, textOf(extension, 'container')]
        : [target, undefined];
  return name === undefined ? undefined : { name, image: textOf(from, 'image') ?? null };
}

function statusOf(data: Fields): Fields {
  return Object.fromEntries(
    STATUS.flatMap((name) => (data[name] === undefined ? [] : [[name, data[name]]])),
  );
}

function objectsIn(value: Json | undefined): Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (it: Json): it is Fields => typeof it === 'object' && it !== null && !Array.isArray(it),
  );
}
