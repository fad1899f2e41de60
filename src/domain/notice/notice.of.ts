import type { SessionEvent } from '../session/session.machine.js';
import type { NoticeKind } from './notice.kinds.js';
import { isNoticeKind } from './notice.kinds.js';

/** News as the outbox has it. */
export interface Happening {
  readonly id: bigint;
  readonly topic: string;
  readonly sessionId: string | null;
  readonly payload: unknown;
}

/** What news is to those who are told of it. */
export interface NoticeOf {
  readonly kind: NoticeKind;
  /** What it is about. Notices of one thread reach a channel in their order. */
  readonly thread: string;
  /** What it raises, for channels that keep alarms; null: nothing. */
  readonly alarm: string | null;
  /** The alarms that are over with it. */
  readonly closes: readonly string[];
}

/** What each step of a session is to others; steps without a row concern nobody else. */
const OF_STEPS: Readonly<Partial<Record<SessionEvent, NoticeKind>>> = {
  ask: 'request.waiting',
  widen: 'request.waiting',
  grant: 'session.granted',
  approve: 'session.granted',
  'break-glass': 'break-glass',
  refuse: 'session.denied',
  deny: 'session.denied',
  run: 'session.started',
  move: 'session.extended',
  lapse: 'session.lapsed',
  overrun: 'session.overrun',
};

const OF_SESSIONS: readonly NoticeKind[] = ['break-glass', 'session.overrun'];

/** The notice that news makes; undefined where nobody need be told. Never throws, whatever the payload is. */
export function noticeOf(news: Happening): NoticeOf | undefined {
  const { id, topic, sessionId, payload } = news;
  switch (topic) {
    case 'session':
      return sessionId === null ? undefined : stepNotice(sessionId, payload);
    case 'review':
      return sessionId === null
        ? undefined
        : { ...plain('review.done', `session-${sessionId}`), closes: [`review-${sessionId}`] };
    case 'bypass':
      return { ...plain('bypass', `bypass-${id}`), alarm: `bypass-${id}` };
    case 'incident':
      return incidentNotice(sessionId, payload);
    default:
      return undefined;
  }
}

function stepNotice(sessionId: string, payload: unknown): NoticeOf | undefined {
  const event = textIn(payload, 'event') ?? '';
  const to = textIn(payload, 'to');
  const thread = `session-${sessionId}`;
  const known = Object.hasOwn(OF_STEPS, event) ? OF_STEPS[event as SessionEvent] : undefined;
  // A consent that was taken back: others are asked again.
  const kind =
    known ??
    (event === 'retract' && to === 'pending' && textIn(payload, 'from') === 'approved'
      ? 'request.waiting'
      : to === 'ended'
        ? 'session.ended'
        : undefined);
  if (kind === undefined) return undefined;
  const alarm = OF_SESSIONS.includes(kind) ? `${kind}-${sessionId}` : null;
  const isOver = kind === 'session.ended' || kind === 'session.lapsed';
  return {
    kind,
    thread,
    alarm,
    closes: isOver ? OF_SESSIONS.map((it) => `${it}-${sessionId}`) : [],
  };
}

function incidentNotice(sessionId: string | null, payload: unknown): NoticeOf | undefined {
  const kind = textIn(payload, 'event');
  const alarm = textIn(payload, 'incident');
  if (kind === undefined || alarm === undefined || !isNoticeKind(kind)) return undefined;
  const thread = sessionId === null ? alarm : `session-${sessionId}`;
  const isOver = textIn(payload, 'state') === 'over';
  return { kind, thread, alarm: isOver ? null : alarm, closes: isOver ? [alarm] : [] };
}

function plain(kind: NoticeKind, thread: string): NoticeOf {
  return { kind, thread, alarm: null, closes: [] };
}

function textIn(payload: unknown, key: string): string | undefined {
  if (typeof payload !== 'object' || payload === null || !Object.hasOwn(payload, key)) {
    return undefined;
  }
  const value: unknown = Reflect.get(payload, key);
  return typeof value === 'string' ? value : undefined;
}
