import { invariant } from '../domain/problem.js';
import { containerName } from '../domain/session/debug-container.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Session } from '../domain/session/session.js';
import type { Changes } from './session-step.js';

/**
 * What starting fixes on a session before anything is sent to the cluster: the container's name and image, and the
 * last instant at which its timer still holds. Whoever sends the patch, and however often, sends the same.
 */
export function startChanges(session: Session, at: Date, bounds: Bounds): Changes {
  const grant = invariant(session.grant, 'an approved session without a grant');
  // Whole seconds: the timer compares with `date +%s`.
  const startBy = Math.ceil(at.getTime() / 1000) + bounds.startDeadlineSeconds;
  return {
    startingAt: at,
    lapsesAt: null,
    container: {
      name: containerName(session),
      image: grant.profile.image,
      startBy: new Date(startBy * 1000),
    },
  };
}
