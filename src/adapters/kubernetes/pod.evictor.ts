import type { Place } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import { observeContainer } from './container.follower.js';
import { problemOf } from './status.problems.js';

/** A disruption budget says no without saying for how long. */
const BUDGET_SECONDS = 10;

/** Evicts the pinned Pod (policy/v1). `done` also where it is gone already. Budgets are respected: they say 429. */
export async function evictPod(
  connection: ClusterConnection,
  place: Place,
): Promise<'done' | Problem> {
  const { namespace, pin } = place;
  const { podName: name, podUid: uid } = pin;
  const answer = await connection.call(async ({ core }) => {
    await core.createNamespacedPodEviction({
      name,
      namespace,
      body: {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace },
        deleteOptions: { preconditions: { uid } },
      },
    });
    return 'done' as const;
  });
  if (!isApiFailure(answer)) return answer;
  if (answer.failure === 'refused') {
    if (answer.httpStatus === 404 && answer.status.reason === 'NotFound') return 'done';
    if (answer.httpStatus === 409) {
      // Another uid under that name: the Pod that was meant is gone.
      const seen = await observeContainer(connection, place);
      if (!isApiFailure(seen) && seen.kind === 'pod-gone') return 'done';
    }
    if (answer.httpStatus === 429) {
      const retryAfterSeconds = answer.retryAfterSeconds ?? BUDGET_SECONDS;
      return problem(
        'too-many-requests',
        `Pod "${name}" cannot be evicted now: a disruption budget or the cluster's load does not allow it. It is tried again.`,
        { retryAfterSeconds, cause: new Error(answer.status.message ?? 'answered 429') },
      );
    }
  }
  return problemOf(answer, {
    cluster: place.cluster,
    namespace,
    what: `Pod "${name}"`,
    act: 'the eviction',
  });
}
