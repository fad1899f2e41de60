import { hasHeld } from './container.record.js';
import type { Observation } from './observation.js';
import { TIMER_EXITS } from '../timebox/timer.js';
import { isHopeless } from './observation.js';
import type { Session } from './session.js';

/** The times that bound a session's life; all from the configuration, in seconds. */
export interface Bounds {
  readonly startDeadlineSeconds: number;
  readonly pendingLapseSeconds: number;
  readonly approvedLapseSeconds: number;
  /** How often a running container is looked at. */
  readonly checkSeconds: number;
  /** How long after `startBy` a container that never started is still watched: covers clocks that differ. */
  readonly startGraceSeconds: number;
  /** How long the container that a session has moved from is left to those who are in it: terminals move meanwhile. */
  readonly handOverSeconds: number;
  /** How long an ending may take before it is an overrun. */
  readonly overrunSeconds: number;
}

/** What there is to do about a session. */
export type Doing =
  'lapse' | 'widen' | 'start' | 'launch' | 'check' | 'extend' | 'retire' | 'expire' | 'finish';

/** What the broker does next about a session, of its own accord. */
export type Step =
  | { readonly do: Doing }
  | { readonly do: 'wait'; readonly until: Date }
  | { readonly do: 'nothing' };

/**
 * The whole of what the broker does unasked, as a function of the stored session and the time: a broker that was just
 * started knows from the row alone how to go on.
 */
export function plan(session: Session, now: Date): Step {
  switch (session.state) {
    case 'pending':
    case 'approved': {
      const { lapsesAt } = session;
      if (lapsesAt && lapsesAt <= now) return { do: 'lapse' };
      if (session.state === 'approved' && session.request.start === 'on-approval')
        return { do: 'start' };
      const escalatesAt = escalationOf(session);
      if (escalatesAt && escalatesAt <= now) return { do: 'widen' };
      const until = escalatesAt && (!lapsesAt || escalatesAt < lapsesAt) ? escalatesAt : lapsesAt;
      return until ? { do: 'wait', until } : { do: 'nothing' };
    }
    case 'starting':
      return { do: 'launch' };
    case 'active':
      if (session.deadlineAt && session.deadlineAt <= now) return { do: 'expire' };
      if (session.extension) return { do: 'extend' };
      return hasToRetire(session, now) ? { do: 'retire' } : { do: 'check' };
    case 'ending':
      return { do: 'finish' };
    case 'denied':
    case 'ended':
      return { do: 'nothing' };
  }
}

/** Whether the time has come to end a container that the session has left. */
export function hasToRetire({ formerContainers }: Session, now: Date): boolean {
  return formerContainers.some(({ endFrom }) => endFrom <= now);
}

/** When more people are to be asked, where nobody has decided by then; null: never, or they were asked already. */
export function escalationOf(
  session: Pick<Session, 'state' | 'grant' | 'createdAt' | 'escalatedAt'>,
): Date | null {
  const escalation = session.grant?.terms.approvals.escalation ?? null;
  if (session.state !== 'pending' || session.escalatedAt !== null || !escalation) return null;
  return new Date(session.createdAt.getTime() + escalation.afterSeconds * 1000);
}

/** What an observation means for a session that is starting. */
export type LaunchVerdict =
  /** It runs, or has run and ended: the session was active, whoever saw it. */
  | { readonly kind: 'started'; readonly startedAt: Date; readonly imageId: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly message: string }
  | { readonly kind: 'pod-gone'; readonly why: string }
  | { readonly kind: 'not-yet' };

/** Reads an observation of a session in `starting`. */
export function judgeLaunch(seen: Observation, startBy: Date, now: Date): LaunchVerdict {
  switch (seen.kind) {
    case 'running':
      return { kind: 'started', startedAt: seen.startedAt, imageId: seen.imageId };
    case 'pod-gone':
      return { kind: 'pod-gone', why: seen.why };
    case 'terminated':
      if (hasHeld(seen, startBy)) {
        return { kind: 'started', startedAt: seen.startedAt, imageId: seen.imageId };
      }
      if (seen.podEnding) return { kind: 'pod-gone', why: 'Its Pod was deleted, or has finished.' };
      return {
        kind: 'failed',
        reason: seen.reason,
        message: seen.message || exitMeaning(seen.exitCode),
      };
    case 'absent':
      return now >= startBy
        ? {
            kind: 'failed',
            reason: 'StartDeadline',
            message: 'the cluster did not take the container in time',
          }
        : { kind: 'not-yet' };
    case 'waiting':
      if (isHopeless(seen.reason)) {
        return { kind: 'failed', reason: seen.reason, message: seen.message };
      }
      return now >= startBy
        ? {
            kind: 'failed',
            reason: seen.reason || 'StartDeadline',
            message: seen.message || 'the container did not start in time',
          }
        : { kind: 'not-yet' };
  }
}

function exitMeaning(exitCode: number): string {
  const meaning = (TIMER_EXITS as Readonly<Record<number, string>>)[exitCode];
  return `exit code ${exitCode}${meaning === undefined ? '' : `, ${meaning}`}`;
}

/** How the broker ends a container, from the gentlest to the last resort inside it. */
export const ENDINGS = ['line', 'term', 'kill'] as const;
export type Ending = (typeof ENDINGS)[number];

/**
 * The ways in their order, and how long after the try before each is due. A line returns the timer's `read`; TERM is
 * trapped by it; KILL sweeps everything else first, which un-sticks a timer that was stopped. KILL is repeated.
 */
const ESCALATION: readonly { readonly afterSeconds: number; readonly how: Ending }[] = [
  { afterSeconds: 0, how: 'line' },
  { afterSeconds: 3, how: 'term' },
  { afterSeconds: 3, how: 'kill' },
];
const KILL_AGAIN_SECONDS = 10;
/** Tries grow rarer up to this many seconds apart: each is an audit entry, and a lost node may stay lost for days. */
const KILL_AGAIN_SECONDS_MAX = 300;

/** The way that is due `sinceLastSeconds` after the last try (or, before the first, since the ending began). */
export function dueEnding(sinceLastSeconds: number, tries: number): Ending | undefined {
  const again = tries - ESCALATION.length;
  const { afterSeconds, how } = ESCALATION[tries] ?? {
    afterSeconds: Math.min(KILL_AGAIN_SECONDS * 2 ** again, KILL_AGAIN_SECONDS_MAX),
    how: 'kill',
  };
  return sinceLastSeconds >= afterSeconds ? how : undefined;
}

/** What an observation means for a session that is ending. */
export type EndVerdict =
  | { readonly kind: 'ended'; readonly detail: string }
  | { readonly kind: 'alive' }
  | { readonly kind: 'not-yet' };

/**
 * Reads an observation of a session in `ending`. `ended` only where the cluster says that the container has terminated
 * or its Pod is gone, or where the container cannot hold any more: it has not started, and its timer's last instant to
 * start (`startBy`) has passed, so that it would exit at once.
 */
export function judgeEnding(
  seen: Observation,
  session: Pick<Session, 'container' | 'startedAt'>,
  now: Date,
  graceSeconds: number,
): EndVerdict {
  switch (seen.kind) {
    case 'pod-gone':
      return { kind: 'ended', detail: seen.why };
    case 'terminated':
      return { kind: 'ended', detail: `The container terminated (exit code ${seen.exitCode}).` };
    case 'running':
      return { kind: 'alive' };
    case 'absent':
    case 'waiting': {
      const harmlessAt = (session.container?.startBy.getTime() ?? 0) + graceSeconds * 1000;
      return now.getTime() >= harmlessAt
        ? {
            kind: 'ended',
            detail: session.startedAt
              ? 'The cluster shows no trace of the container, which had run, and would exit at once if it were made again.'
              : 'The container never started, and would exit at once if it did now.',
          }
        : { kind: 'not-yet' };
    }
  }
}

/** When the broker must look at the session next, as it stands at `now`; null: never of its own accord. */
export function dueAt(session: Session, now: Date): Date | null {
  const step = plan(session, now);
  if (step.do === 'nothing') return null;
  return step.do === 'wait' ? step.until : now;
}
