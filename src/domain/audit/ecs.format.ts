import { canonicalJson } from './canonical.js';
import { kindOf, SEVERITY, severityOf } from './event.kinds.js';
import type { Fields, LoggedEvent } from './logged.event.js';
import { compact, isAddress, textOf, textsOf, tracePlaceOf, within } from './logged.event.js';

export const ECS_VERSION = '9.4.0';

/** `event.outcome`; of an event that was dropped nobody knows it. */
const OUTCOMES: Readonly<Record<string, string>> = {
  success: 'success',
  failure: 'failure',
  denied: 'failure',
};

/** An event as the Elastic Common Schema has it; what it has no field for is under `hallpass`. */
export function ecsOf(event: LoggedEvent): Fields {
  const { fields } = event;
  const { ecs } = kindOf(event);
  const actor = within(fields, 'actor');
  const target = within(fields, 'target');
  const policy = within(fields, 'policy');
  const outcome = textOf(fields, 'outcome');
  const place = tracePlaceOf(fields);
  const isDenied = outcome === 'denied';
  return {
    '@timestamp': textOf(fields, 'time'),
    ecs: { version: ECS_VERSION },
    message: textOf(fields, 'action'),
    event: {
      kind: 'event',
      id: textOf(fields, 'id'),
      action: textOf(fields, 'action'),
      outcome: OUTCOMES[outcome ?? ''] ?? 'unknown',
      // A denial is one of an interface: ECS has the type for no category that these would be of.
      category: isDenied ? withOne(ecs.category, 'api') : ecs.category,
      type: isDenied ? withOne(ecs.type, 'denied') : ecs.type,
      severity: SEVERITY[severityOf(event)],
      sequence: event.index,
      module: 'hallpass',
      dataset: 'hallpass.audit',
      provider: 'hallpass',
      ...optional('reason', fields['reason']),
    },
    ...optional('user', userOf(actor)),
    ...optional('source', sourceOf(textOf(actor, 'address'))),
    ...optional('orchestrator', orchestratorOf(target)),
    ...optional('container', containerOf(target)),
    ...optional('trace', compact({ id: place?.traceId })),
    ...optional('span', compact({ id: place?.spanId })),
    ...optional('rule', compact({ name: policy['rule'], version: policy['version'] })),
    service: {
      type: 'hallpass',
      ...optional('node', compact({ name: textOf(actor, 'replica') })),
    },
    hallpass: compact({
      schema: fields['schema'],
      session: fields['session'],
      decision: fields['decision'],
      outcome,
      channel: actor['channel'],
      request: actor['request'],
      slack: actor['slack'],
      break_glass: fields['breakGlass'],
      ticket: fields['ticket'],
      traceparent: fields['traceparent'],
      target: fields['target'],
      dropped: fields['dropped'],
      leaf_hash: fields['leafHash'],
      // As text: what it holds differs from action to action, and an index that maps it would clash or burst.
      data: fields['data'] === undefined ? undefined : canonicalJson(fields['data']),
    }),
  };
}

/** One line. */
export function ecsLine(event: LoggedEvent): string {
  return canonicalJson(ecsOf(event));
}

function userOf(actor: Fields): Fields | undefined {
  if (actor['kind'] !== 'person') return undefined;
  return compact({
    id: textOf(actor, 'sub'),
    domain: textOf(actor, 'iss'),
    name: textOf(actor, 'email') ?? textOf(actor, 'sub'),
    email: textOf(actor, 'email'),
    roles: textsOf(actor, 'groups'),
  });
}

function sourceOf(address: string | undefined): Fields | undefined {
  if (address === undefined) return undefined;
  return { address, ...(isAddress(address) ? { ip: address } : {}) };
}

function orchestratorOf(target: Fields): Fields | undefined {
  const cluster = textOf(target, 'cluster');
  if (cluster === undefined) return undefined;
  return {
    type: 'kubernetes',
    cluster: { name: cluster },
    ...optional('namespace', target['namespace']),
    resource: { type: 'pod', ...compact({ name: target['pod'], id: target['podUid'] }) },
  };
}

function containerOf(target: Fields): Fields | undefined {
  return compact({
    name: target['debugContainer'],
    image: compact({ name: target['image'] }),
  });
}

function withOne(list: readonly string[], item: string): readonly string[] {
  return list.includes(item) ? list : [...list, item];
}

function optional(name: string, value: Fields[string]): Fields {
  return value === undefined ? {} : { [name]: value };
}
