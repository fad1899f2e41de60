import type { Session } from '../domain/session/session.js';
import type { SystemStep } from './advance-session.js';
import { Journal } from './ports/journal.js';

/** A container that will not end is an alert, never a silence. */
export function overrunStep(
  journal: Journal,
  session: Session,
  of: {
    readonly elapsedSeconds: number;
    readonly why: string;
    /** Where it is not the one that the session has. */
    readonly container?: string;
  },
): SystemStep {
  const { elapsedSeconds, why, container } = of;
  journal.error(
    {
      session: session.id,
      cluster: session.request.cluster,
      pod: session.pin?.podName,
      ...(container === undefined ? {} : { container }),
      elapsedSeconds,
      why,
    },
    'a session does not end',
  );
  return {
    event: 'overrun',
    outcome: 'failure',
    data: {
      why,
      elapsedSeconds: Math.round(elapsedSeconds),
      onOverrun: session.grant?.terms.onOverrun,
      ...(container === undefined ? {} : { container }),
    },
  };
}
