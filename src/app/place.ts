import { invariant } from '../domain/problem.js';
import type { DebugContainer, Session } from '../domain/session/session.js';
import type { Place } from './ports/cluster.js';

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
