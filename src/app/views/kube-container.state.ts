import type { State } from '../../domain/session/session.machine.js';
import type { Session } from '../../domain/session/session.js';
import type { Json } from '../ports/cluster.pods.js';

/**
 * The state of a session as that of a container (core/v1 ContainerState). It counts as running from when its container
 * was sent: kubectl then attaches, and entering waits for it no longer than it must.
 */
const STATES: Readonly<Record<State, (session: Session) => Json>> = {
  pending: () => waiting('ContainerCreating'),
  approved: () => waiting('ContainerCreating'),
  denied: (session) => terminated(session, 'Denied'),
  starting: ({ startingAt, updatedAt }) => running(startingAt ?? updatedAt),
  active: ({ startedAt, updatedAt }) => running(startedAt ?? updatedAt),
  ending: (session) => terminated(session, 'Ending'),
  ended: (session) => terminated(session, 'Ended'),
};

export function stateOf(session: Session): Json {
  return STATES[session.state](session);
}

/** The image that the session's profile has. */
export function profileImage({ container, grant }: Session): string {
  return container?.image ?? grant?.profile.image ?? '';
}

function waiting(reason: string): Json {
  return { waiting: { reason } };
}

function running(since: Date): Json {
  return { running: { startedAt: since.toISOString() } };
}

function terminated({ endReason, endDetail }: Session, otherwise: string): Json {
  return {
    terminated: { exitCode: 137, reason: endReason ?? otherwise, message: endDetail ?? '' },
  };
}
