import type { ClusterList } from '../../contract/cluster.schema.js';
import type { ClusterHealth } from '../../domain/cluster.health.js';
import { TROUBLES } from '../../domain/cluster.health.js';

export type ClusterItem = ClusterList['items'][number];
type Health = ClusterItem['health'];

/** Before anything is known of a cluster. */
const NOTHING_KNOWN: Health = {
  state: 'unknown',
  since: null,
  lastAnswerAt: null,
  why: null,
  advice: null,
  version: null,
  credentialsRefusedSince: null,
};

/** A cluster as it is listed, with how it is where that is known. */
export function clusterView(
  { name, namespaces }: { readonly name: string; readonly namespaces: readonly string[] },
  states: readonly ClusterHealth[],
): ClusterItem {
  const found = states.find((it) => it.name === name);
  return { name, namespaces: [...namespaces], health: found ? healthView(found) : NOTHING_KNOWN };
}

function healthView(health: ClusterHealth): Health {
  const { state, since, answeredAt, trouble, version, unsupported, credentials } = health;
  const known = trouble && TROUBLES[trouble];
  const isUnfit = state === 'reachable' && unsupported !== null;
  return {
    state: isUnfit ? 'unsupported' : state,
    since: since?.toISOString() ?? null,
    lastAnswerAt: answeredAt?.toISOString() ?? null,
    why: known ? `It ${known.what}.` : isUnfit ? unsupported : null,
    advice: known?.advice ?? null,
    version,
    credentialsRefusedSince: credentials.refusedSince?.toISOString() ?? null,
  };
}

/** What readiness says of clusters: a replica serves the others, and ends what it can, whatever becomes of one. */
export function clusterReadiness(
  states: readonly ClusterHealth[],
): true | { readonly ok: true; readonly note: string } {
  const notes = states.flatMap(({ name, trouble, unsupported, credentials }) => [
    ...(trouble ? [`${name} ${TROUBLES[trouble].what}`] : []),
    ...(!trouble && unsupported !== null ? [`${name} can have no sessions`] : []),
    ...(credentials.refusedSince ? [`${name} has newer credentials that cannot be used`] : []),
  ]);
  if (notes.length === 0) return true;
  const told = notes.slice(0, TOLD_MAX).join('; ');
  return {
    ok: true,
    note: notes.length > TOLD_MAX ? `${told}; and ${notes.length - TOLD_MAX} more` : told,
  };
}

const TOLD_MAX = 10;
