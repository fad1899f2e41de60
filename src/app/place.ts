import { invariant } from '../domain/problem.js';
import type { DebugContainer, Session } from '../domain/session/session.js';
import type { OnBehalf, Place } from './ports/cluster.js';

/** Where the session's container is, or another one of the session's. */
export function placeOf(
  session: Session,
  container: DebugContainer | null = session.container,
): Place {
  return {
    cluster: session.request.cluster,
    namespace: session.request.namespace,
    pin: invariant(session.pin, 'a session with a container but no Pod'),
    containerName: invariant(container, 'a session without a container').name,
  };
}

/** The same, for what is done for the session's requester, and not by the broker for itself. */
export function placeFor(session: Session, container?: DebugContainer): Place {
  return { ...placeOf(session, container), onBehalf: onBehalfOf(session) };
}

export function onBehalfOf({ id, requester }: Session): OnBehalf {
  return { person: requester, session: id };
}
