import { displayName } from '../domain/person.js';
import type { Person } from '../domain/person.js';
import type { EndReason } from '../domain/session/session.machine.js';
import type { Session } from '../domain/session/session.js';
import type { Entry, StreamEnd } from './enter-session.js';

/** What the one at the terminal is told before anything else: who, where, recorded or not, until when. */
export function beginning(session: Session, entry: Pick<Entry, 'kind'>, now: Date): string {
  const { request, pin, requester, grant } = session;
  const container =
    request.container === undefined ? '' : `, beside container "${request.container}"`;
  const what = RECORDED[entry.kind];
  const typed = grant?.profile.recordInput === true ? ', and what you type' : '';
  const strict = grant?.terms.recording === 'strict' ? '' : ' as far as it can be';
  return (
    `Session ${session.id} of ${displayName(requester)}: profile "${request.profile}" in Pod "${pin?.podName ?? ''}" ` +
    `(${request.cluster}/${request.namespace})${container}. ${what}${typed} is recorded${strict}. ${untilWhen(session, now)}`
  );
}

const RECORDED: Readonly<Record<Entry['kind'], string>> = {
  terminal: 'What you see',
  exec: 'What it writes',
  copy: 'Names, sizes and digests of the files are recorded; what else is written',
};

function untilWhen({ deadlineAt, request }: Session, now: Date): string {
  return deadlineAt
    ? `It ends at ${clockTime(deadlineAt)} UTC, in ${duration(deadlineAt.getTime() - now.getTime())}.`
    : `It ends ${duration(request.durationSeconds * 1000)} after its container has started.`;
}

export function deadlineNear(deadlineAt: Date, now: Date): string {
  return `The session ends at ${clockTime(deadlineAt)} UTC, in ${duration(deadlineAt.getTime() - now.getTime())}.`;
}

export const GAP =
  'What is shown from now on is not recorded: the store of recordings does not answer. The gap is reported.';

export function watched(person: Person): string {
  return `${displayName(person)} is watching.`;
}

export function unwatched(person: Person): string {
  return `${displayName(person)} is not watching any more.`;
}

export const PAUSED =
  'The session waits until somebody entitled watches: nothing is shown and nothing is taken until then.';
export const RESUMED = 'Somebody is watching: go on.';
export const MOVED =
  'The session was extended: this is its new container. What ran in the old one ends there.';

export function stopping(inSeconds: number): string {
  return `This replica of Hallpass stops in ${duration(inSeconds * 1000)}; the session goes on, and is entered again through another one. A shell that tmux or screen keeps is the same then, any other a new one: finish or save what you are at.`;
}

export function idle(leftMs: number): string {
  return `Nothing was typed for long: the session ends in ${duration(leftMs)} unless something is.`;
}

/** The end of a stream whose session is over. */
export function sessionOver(session: Pick<Session, 'endReason' | 'endDetail'>): StreamEnd {
  return {
    kind: 'session-over',
    reason: session.endReason,
    detail: session.endDetail ?? 'The session is over.',
  };
}

export function sessionOverBy(reason: EndReason, detail: string): StreamEnd {
  return { kind: 'session-over', reason, detail };
}

/** How a recording's end is called, for people. */
export function whyOf(end: StreamEnd): string {
  switch (end.kind) {
    case 'exited':
      return 'exited';
    case 'session-over':
      return `the session ended${end.reason === null ? '' : `: ${end.reason}`}`;
    case 'refused':
      return `it was refused: ${end.problem.problem}`;
    case 'lost':
      return 'the connection to the container broke';
    case 'left':
      return 'the connection was closed by the person';
    case 'shutdown':
      return 'this replica was stopped';
  }
}

/** `14:05:09`. */
function clockTime(at: Date): string {
  return at.toISOString().slice(11, 19);
}

/** `59 minutes`, `1 minute`, `100 seconds`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds >= 5_400 && seconds % 3_600 < 60) return count(Math.round(seconds / 3_600), 'hour');
  const isFine = seconds < 120 && seconds % 60 !== 0;
  return isFine || seconds === 0
    ? count(seconds, 'second')
    : count(Math.round(seconds / 60), 'minute');
}

function count(n: number, unit: string): string {
  return `${n} ${unit}${n === 1 ? '' : 's'}`;
}
