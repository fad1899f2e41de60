import type { LoggedEvent } from './logged.event.js';
import { textOf, within } from './logged.event.js';

/** How grave an event is, as OCSF numbers it. */
export const SEVERITY = { informational: 1, low: 2, medium: 3, high: 4, critical: 5 } as const;
export type Severity = keyof typeof SEVERITY;

/** What an action is to tools that know a few kinds of events and not ours. */
export interface EventKind {
  /** The class and activity of OCSF 1.8. */
  readonly ocsf: { readonly class: OcsfClass; readonly activity: number };
  /** `event.category` and `event.type` of ECS. */
  readonly ecs: { readonly category: readonly string[]; readonly type: readonly string[] };
  readonly severity?: Severity;
}

export type OcsfClass = 'authorizeSession' | 'entityManagement' | 'userAccess' | 'apiActivity';

const kind = (
  ocsf: readonly [OcsfClass, number],
  ecs: readonly [category: string, type: string],
  severity?: Severity,
): EventKind => ({
  ocsf: { class: ocsf[0], activity: ocsf[1] },
  ecs: { category: [ecs[0]], type: [ecs[1]] },
  ...(severity === undefined ? {} : { severity }),
});

const CREATED = kind(['entityManagement', 1], ['iam', 'creation']);
const CHANGED = kind(['entityManagement', 3], ['iam', 'change']);
const GONE = kind(['entityManagement', 11], ['session', 'end']);
const GRANTED = kind(['userAccess', 1], ['iam', 'admin']);
const TAKEN = kind(['userAccess', 2], ['iam', 'admin']);
const READ = kind(['apiActivity', 2], ['api', 'access']);
const MADE = kind(['apiActivity', 1], ['api', 'creation']);
const FILED = kind(['entityManagement', 3], ['configuration', 'change']);

/** Every action that is written. */
export const EVENT_KINDS = {
  'session.ask': CREATED,
  'session.grant': GRANTED,
  'session.break-glass': { ...GRANTED, severity: 'high' },
  'session.refuse': CREATED,
  'session.consent': CHANGED,
  'session.approve': GRANTED,
  'session.deny': CHANGED,
  'session.retract': CHANGED,
  'session.widen': CHANGED,
  'session.withdraw': GONE,
  'session.lapse': GONE,
  'session.revoke': TAKEN,
  'session.start': kind(['entityManagement', 10], ['session', 'start']),
  'session.run': kind(['authorizeSession', 1], ['session', 'start']),
  'session.reject': GONE,
  'session.fail': GONE,
  'session.note': CHANGED,
  'session.extend': GRANTED,
  'session.unextend': TAKEN,
  'session.move': CHANGED,
  'session.retire': CHANGED,
  'session.escalate': { ...CHANGED, severity: 'medium' },
  'session.overrun': { ...CHANGED, severity: 'high' },
  'session.expire': TAKEN,
  'session.idle': TAKEN,
  'session.leave': GONE,
  'session.halt': { ...TAKEN, severity: 'medium' },
  'session.stop': GONE,
  'session.finish': GONE,
  'session.review': CHANGED,
  'session.evidence': READ,
  'session.watched': READ,
  'session.unwatched': READ,
  'session.port-forward': MADE,
  'session.kube-token': MADE,
  'slack.linked': kind(['entityManagement', 1], ['iam', 'creation'], 'low'),
  'slack.unlinked': kind(['entityManagement', 4], ['iam', 'deletion'], 'low'),
  'policy.activated': kind(['entityManagement', 10], ['configuration', 'change'], 'low'),
  'policy.refused': { ...FILED, severity: 'medium' },
  'recording.started': kind(['entityManagement', 1], ['session', 'info']),
  'recording.gap': kind(['entityManagement', 3], ['session', 'info'], 'medium'),
  'recording.finished': kind(['entityManagement', 3], ['session', 'info']),
  'recording.abandoned': kind(['entityManagement', 3], ['session', 'info'], 'medium'),
  'recording.held': FILED,
  'recording.released': FILED,
  'recording.dropped': kind(['entityManagement', 4], ['configuration', 'deletion'], 'low'),
  'recording.read': READ,
  'recording.searched': READ,
  'audit.read': READ,
  'audit.searched': READ,
  'audit.reported': READ,
  'review.opened': CREATED,
  'review.signed-off': CHANGED,
  'review.closed': CHANGED,
  'audit.held': FILED,
  'audit.released': FILED,
  'audit.dropped': kind(['entityManagement', 4], ['configuration', 'deletion'], 'low'),
  'log.started': kind(['entityManagement', 10], ['configuration', 'info']),
  'log.stopped': kind(['entityManagement', 11], ['configuration', 'info']),
  'log.parted': kind(['entityManagement', 99], ['configuration', 'info'], 'critical'),
  'log.misfiled': kind(['entityManagement', 99], ['configuration', 'info'], 'high'),
  'channel.tested': MADE,
  'log.undelivered': kind(['entityManagement', 99], ['configuration', 'info'], 'medium'),
  'log.replayed': kind(['entityManagement', 99], ['configuration', 'info']),
  'bypass.found': kind(['apiActivity', 99], ['api', 'info'], 'high'),
  'kubernetes.seen': kind(['apiActivity', 99], ['api', 'info']),
} as const satisfies Readonly<Record<string, EventKind>>;

/** What an event may be said to be: nothing is written that has no row above. */
export type EventAction = keyof typeof EVENT_KINDS;

/** OCSF's `Other`: what an action is that a later version writes. */
const OTHER: EventKind = kind(['entityManagement', 99], ['iam', 'info']);

export function kindOf(event: LoggedEvent): EventKind {
  const action = textOf(event.fields, 'action') ?? '';
  return isEventAction(action) ? EVENT_KINDS[action] : OTHER;
}

export function isEventAction(action: string): action is EventAction {
  return Object.hasOwn(EVENT_KINDS, action);
}

const BY_OUTCOME: Readonly<Record<string, Severity>> = { denied: 'low', failure: 'medium' };

/** The gravest of what its action, its outcome and the event itself say. */
export function severityOf(event: LoggedEvent): Severity {
  const own = textOf(within(event.fields, 'data'), 'severity');
  const said: readonly Severity[] = [
    kindOf(event).severity ?? 'informational',
    BY_OUTCOME[textOf(event.fields, 'outcome') ?? ''] ?? 'informational',
    isSeverity(own) ? own : 'informational',
  ];
  return said.reduce((gravest, it) => (SEVERITY[it] > SEVERITY[gravest] ? it : gravest));
}

function isSeverity(name: string | undefined): name is Severity {
  return name !== undefined && Object.hasOwn(SEVERITY, name);
}
