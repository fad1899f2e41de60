import type { ClusterHealth } from '../../domain/cluster.health.js';
import { TROUBLES } from '../../domain/cluster.health.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

const RETRY_SECONDS = 10;

/** Why nobody need wait for a cluster that is known to be away; the operators know the rest from their log. */
export function awayProblem({ name, trouble, since }: ClusterHealth, now: Date): Problem {
  const what = trouble === null ? 'does not answer' : TROUBLES[trouble].what;
  return problem(
    'cluster-unreachable',
    `Cluster "${name}" ${what}${forSince(since, now)}. Hallpass goes on trying, and ends what runs there. Ask again in a moment; if it goes on, tell the operators of Hallpass.`,
    { retryAfterSeconds: RETRY_SECONDS },
  );
}

/** Why a cluster can have no sessions at all. */
export function unsupportedProblem(cluster: string, why: string): Problem {
  return problem(
    'cluster-unsupported',
    `Cluster "${cluster}" can have no sessions. ${why} Tell its operators.`,
  );
}

function forSince(since: Date | null, now: Date): string {
  const seconds = since === null ? 0 : Math.floor((now.getTime() - since.getTime()) / 1000);
  if (seconds < 60) return '';
  const minutes = Math.floor(seconds / 60);
  return minutes < 120
    ? `, for ${minutes} minutes now`
    : `, for ${Math.floor(minutes / 60)} hours now`;
}
