/**
 * The one table of the session's life. The same rows are seeded in the database, where each session event refers to
 * its row by a foreign key; a test holds the two together.
 */
export const STATES = [
  'pending',
  'approved',
  'denied',
  'starting',
  'active',
  'ending',
  'ended',
] as const;
export type State = (typeof STATES)[number];

export const END_REASONS = [
  'deadline',
  'left',
  'withdrawn',
  'revoked',
  'lapsed',
  'pod-gone',
  'start-failed',
  'recording-failed',
  'access-removed',
  'idle',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** In which capacity somebody acts on one session. */
export type Capacity = 'requester' | 'approver' | 'admin' | 'system';

/** What a person can ask of a session, as API, CLI, Slack and console name it. */
export const ACTIONS = ['approve', 'deny', 'retract', 'start', 'extend', 'end', 'revoke'] as const;
export type Action = (typeof ACTIONS)[number];

interface Row {
  readonly from: State | 'new';
  readonly event: string;
  readonly to: State;
  readonly by: readonly Capacity[];
  readonly action?: Action;
}

const REVOKERS = ['approver', 'admin', 'system'] as const;

export const TRANSITIONS = [
  { from: 'new', event: 'ask', to: 'pending', by: ['requester'] },
  { from: 'new', event: 'grant', to: 'approved', by: ['requester'] },
  { from: 'new', event: 'break-glass', to: 'approved', by: ['requester'] },
  { from: 'new', event: 'refuse', to: 'denied', by: ['requester'] },

  { from: 'pending', event: 'consent', to: 'pending', by: ['approver'], action: 'approve' },
  { from: 'pending', event: 'approve', to: 'approved', by: ['approver'], action: 'approve' },
  { from: 'pending', event: 'deny', to: 'denied', by: ['approver'], action: 'deny' },
  { from: 'pending', event: 'retract', to: 'pending', by: ['approver'], action: 'retract' },
  { from: 'pending', event: 'widen', to: 'pending', by: ['system'] },
  { from: 'pending', event: 'withdraw', to: 'ended', by: ['requester'], action: 'end' },
  { from: 'pending', event: 'revoke', to: 'ended', by: ['admin', 'system'], action: 'revoke' },
  { from: 'pending', event: 'lapse', to: 'ended', by: ['system'] },

  {
    from: 'approved',
    event: 'start',
    to: 'starting',
    by: ['requester', 'system'],
    action: 'start',
  },
  { from: 'approved', event: 'retract', to: 'pending', by: ['approver'], action: 'retract' },
  { from: 'approved', event: 'withdraw', to: 'ended', by: ['requester'], action: 'end' },
  { from: 'approved', event: 'revoke', to: 'ended', by: REVOKERS, action: 'revoke' },
  { from: 'approved', event: 'lapse', to: 'ended', by: ['system'] },
  { from: 'approved', event: 'fail', to: 'ended', by: ['system'] },

  { from: 'starting', event: 'run', to: 'active', by: ['system'] },
  { from: 'starting', event: 'reject', to: 'ended', by: ['system'] },
  { from: 'starting', event: 'fail', to: 'ending', by: ['system'] },
  { from: 'starting', event: 'withdraw', to: 'ending', by: ['requester'], action: 'end' },
  { from: 'starting', event: 'revoke', to: 'ending', by: REVOKERS, action: 'revoke' },

  { from: 'active', event: 'note', to: 'active', by: ['system'] },
  // A session is extended by another container, for a container's deadline cannot be moved.
  { from: 'active', event: 'extend', to: 'active', by: ['requester'], action: 'extend' },
  { from: 'active', event: 'move', to: 'active', by: ['system'] },
  { from: 'active', event: 'unextend', to: 'active', by: ['system'] },
  // Of a container that the session has moved from.
  { from: 'active', event: 'retire', to: 'active', by: ['system'] },
  { from: 'active', event: 'escalate', to: 'active', by: ['system'] },
  { from: 'active', event: 'overrun', to: 'active', by: ['system'] },
  { from: 'active', event: 'expire', to: 'ending', by: ['system'] },
  { from: 'active', event: 'idle', to: 'ending', by: ['system'] },
  { from: 'active', event: 'leave', to: 'ending', by: ['requester'], action: 'end' },
  { from: 'active', event: 'revoke', to: 'ending', by: REVOKERS, action: 'revoke' },
  // The container has ended: the only one, or one of several.
  { from: 'active', event: 'stop', to: 'ended', by: ['system'] },
  { from: 'active', event: 'halt', to: 'ending', by: ['system'] },

  { from: 'ending', event: 'escalate', to: 'ending', by: ['system'] },
  { from: 'ending', event: 'overrun', to: 'ending', by: ['system'] },
  { from: 'ending', event: 'finish', to: 'ended', by: ['system'] },
] as const satisfies readonly Row[];

export type SessionEvent = (typeof TRANSITIONS)[number]['event'];

const ROWS: readonly Row[] = TRANSITIONS;

/** The state after `event`, or `undefined` where the table has no such row for one of these capacities. */
export function next(
  from: State | 'new',
  event: SessionEvent,
  capacities: readonly Capacity[],
): State | undefined {
  return ROWS.find(
    (row) =>
      row.from === from && row.event === event && row.by.some((by) => capacities.includes(by)),
  )?.to;
}

/** The actions that somebody in these capacities has in this state, in the order of {@link ACTIONS}. */
export function actionsIn(state: State, capacities: readonly Capacity[]): Action[] {
  const open = ROWS.filter(
    (row) => row.from === state && row.by.some((by) => capacities.includes(by)),
  );
  return ACTIONS.filter((action) => open.some((row) => row.action === action));
}

/** The event that `action` means in this state for these capacities; words on consent are settled by the quorum. */
export function eventOf(
  state: State,
  action: Exclude<Action, 'approve' | 'retract'>,
  capacities: readonly Capacity[],
): SessionEvent | undefined {
  return ROWS.find(
    (row) =>
      row.from === state && row.action === action && row.by.some((by) => capacities.includes(by)),
  )?.event as SessionEvent | undefined;
}

/** States in which nothing more happens. */
export function isFinal(state: State): boolean {
  return !ROWS.some((row) => row.from === state);
}

/** Why a session ends, for the events that end it on somebody's word; others carry their reason as data. */
export const REASON_OF_EVENT = {
  withdraw: 'withdrawn',
  revoke: 'revoked',
  lapse: 'lapsed',
  expire: 'deadline',
  leave: 'left',
  idle: 'idle',
  fail: 'start-failed',
  reject: 'start-failed',
} as const satisfies Partial<Record<SessionEvent, EndReason>>;
