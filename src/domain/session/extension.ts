import type { Problem } from '../problem.js';
import { problem } from '../problem.js';
import { containerName } from './debug-container.js';
import type { FormerContainer, Session } from './session.js';

/** How many more extensions the terms of a session leave. Null: they leave none out of principle. */
export function extensionsLeft({
  grant,
  extensions,
}: Pick<Session, 'grant' | 'extensions'>): number | null {
  const terms = grant?.terms.extension ?? null;
  return terms && Math.max(0, terms.times - extensions);
}

/** Whether the session, which is active, may be extended as it stands. */
export function mayBeExtended(
  session: Pick<Session, 'grant' | 'extension' | 'extensions'>,
): boolean {
  return session.extension === null && (extensionsLeft(session) ?? 0) > 0;
}

/**
 * What the frozen terms, the configuration and the time say against an extension of an active session that would hold for
 * `durationSeconds` from its start; undefined: nothing.
 */
export function whyNotExtended(
  session: Session,
  durationSeconds: number,
  { now, longestSeconds }: { readonly now: Date; readonly longestSeconds: number },
): Problem | undefined {
  const { id, grant, extensions } = session;
  const terms = grant?.terms.extension ?? null;
  if (terms === null) {
    return problem(
      'extension-refused',
      `The terms of the session ${id} know no extension. Ask for another session.`,
    );
  }
  if (session.extension !== null) {
    return problem('illegal-transition', `The session ${id} is being extended at this moment.`);
  }
  if (extensions >= terms.times) {
    return problem(
      'extension-refused',
      `The session ${id} was extended as often as its terms allow (${terms.times}). Ask for another session.`,
    );
  }
  if (durationSeconds > terms.longestSeconds) {
    return notSoLong(`must be ${terms.longestSeconds} or less: the terms of the session say so`);
  }
  if (durationSeconds > longestSeconds) {
    return notSoLong(`must be ${longestSeconds} or less: nothing here is longer`);
  }
  const leftSeconds = Math.ceil(((session.deadlineAt?.getTime() ?? 0) - now.getTime()) / 1000);
  if (leftSeconds <= 1) {
    return problem('illegal-transition', `The time of the session ${id} is up.`);
  }
  return durationSeconds <= leftSeconds
    ? notSoLong(
        `must be more than ${leftSeconds}: so many seconds are left, and an extension counts from its own start`,
      )
    : undefined;
}

function notSoLong(message: string): Problem {
  return problem('invalid-fields', `The extension cannot be as long: durationSeconds ${message}.`, {
    errors: [{ path: '/durationSeconds', message }],
  });
}

/**
 * The extension as it is written before anything is sent to the cluster. Its container starts before the deadline that
 * the session has, or not at all.
 */
export function extensionOf(
  session: Session,
  durationSeconds: number,
  { at, startDeadlineSeconds }: { readonly at: Date; readonly startDeadlineSeconds: number },
): Pick<Session, 'extension' | 'extensions'> {
  const { container, extensions, deadlineAt } = session;
  if (!container || !deadlineAt) throw new Error('invariant broken: an active session has both');
  // Whole seconds: the timer compares with `date +%s`.
  const startBy = Math.min(
    Math.ceil(at.getTime() / 1000) + startDeadlineSeconds,
    Math.floor(deadlineAt.getTime() / 1000),
  );
  return {
    extension: {
      container: {
        name: containerName(session, extensions + 1),
        image: container.image,
        startBy: new Date(startBy * 1000),
        durationSeconds,
      },
      askedAt: at,
    },
    extensions: extensions + 1,
  };
}

/** The containers to be ended, once a session moves from the one that it has, which is left alone until `handOverUntil`. */
export function leaving(session: Session, handOverUntil: Date): readonly FormerContainer[] {
  const { container, formerContainers, deadlineAt } = session;
  if (!container) return formerContainers;
  const endFrom = Math.min(handOverUntil.getTime(), deadlineAt?.getTime() ?? Infinity);
  return [...formerContainers, { container, endFrom: new Date(endFrom) }];
}
