import { invariant } from '../domain/problem.js';
import type { Session } from '../domain/session/session.js';
import type { Place } from './ports/cluster.js';

/** Where the session's container is. */
export function placeOf(session: Session): Place {
  return {
    cluster: session.request.cluster,
    namespace: session.request.namespace,
    pin: invariant(session.pin, 'a session with a container but no Pod'),
    containerName: invariant(session.container, 'a session without a container').name,
  };
}
