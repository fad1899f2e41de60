import type { ClusterRight } from '../cluster.rights.js';
import { CLUSTER_RIGHTS } from '../cluster.rights.js';
import type { Impersonation } from '../impersonation.js';
import { SESSION_EXTRA } from '../impersonation.js';
import type { ServerVersion } from '../cluster.support.js';
import { minorOf } from '../cluster.support.js';
import type { Judgement } from './finding.js';
import { failure, listed, ok, Unseen, unknown } from './finding.js';
import type { Answered, Right } from './rights.verdict.js';
import { rightText } from './rights.verdict.js';

/** Constrained impersonation is on from there. */
const CONSTRAINED_MINOR = 36;
const AUTHENTICATION = 'authentication.k8s.io';
const CONSTRAINT = 'user-info';

/** By subresource: what the broker does in people's names. Commands in containers it also runs for itself, to end them. */
const FOR_PEOPLE: Readonly<Record<string, { readonly andItself: boolean }>> = {
  ephemeralcontainers: { andItself: false },
  exec: { andItself: true },
  log: { andItself: false },
  portforward: { andItself: false },
};

/** What its account needs for itself where it acts in people's names. */
export const OWN_WHEN_ACTING: readonly ClusterRight[] = CLUSTER_RIGHTS.filter(
  ({ subresource }) => FOR_PEOPLE[subresource]?.andItself !== false,
);

/** What people need in sessions where it acts in their names. */
export const PEOPLES: readonly ClusterRight[] = CLUSTER_RIGHTS.filter(
  ({ subresource }) => FOR_PEOPLE[subresource] !== undefined,
);

/** The two ways of having the right to act as people: each is enough. */
export interface ActingRights<T = Right> {
  /** deploy/rbac-impersonate.yaml */
  readonly classic: readonly T[];
  /** deploy/rbac-impersonate-constrained.yaml: those of the cluster, and those of each namespace. */
  readonly constrained: readonly T[];
}

/** What each way needs; a right with `inNamespace` is asked for there, all others of the cluster. */
export function actingRights({ group }: Impersonation): ActingRights<ActingRight> {
  const extra = { group: AUTHENTICATION, resource: 'userextras', subresource: SESSION_EXTRA };
  const whom = (verb: string, api: string): ActingRight[] => [
    { verb, group: api, resource: 'users', subresource: '', inNamespace: false },
    { verb, group: api, resource: 'groups', subresource: '', name: group, inNamespace: false },
    { verb, ...extra, inNamespace: false },
  ];
  const on = PEOPLES.filter(({ set, verb, subresource }) => {
    // A WebSocket's upgrade is a `get`; the right to `create` is asked of the person alone.
    return set === 'always' && !(subresource === 'exec' && verb === 'create');
  });
  return {
    classic: whom('impersonate', ''),
    constrained: [
      ...whom(`impersonate:${CONSTRAINT}`, AUTHENTICATION),
      ...on.map(({ verb, group: api, resource: what, subresource }) => ({
        ...{ verb: `impersonate-on:${CONSTRAINT}:${verb}`, group: api },
        ...{ resource: what, subresource, inNamespace: true },
      })),
    ],
  };
}

export interface ActingRight extends Right {
  readonly inNamespace: boolean;
}

/** Whether the account may act in people's names in a namespace, by either way. */
export function judgeActing(
  { classic, constrained }: ActingRights<Answered>,
  version: ServerVersion | Unseen,
): Judgement {
  const isKnown = !(version instanceof Unseen) && minorOf(version) >= CONSTRAINED_MINOR;
  if (isKnown && constrained.every(isHad)) {
    return ok('it may act in people’s names, and do in them what sessions need and nothing else');
  }
  if (classic.every(isHad)) return ok('it may act in people’s names');
  const unseen = [...classic, ...constrained].find(({ allowed }) => allowed instanceof Unseen);
  if (unseen?.allowed instanceof Unseen) return unknown(unseen.allowed);
  const [missing, file] = fewer(isKnown ? constrained : [], classic);
  return failure(
    `it may not ${listed(missing.map(({ right }) => rightText(right)))}, so that no session starts`,
    `apply deploy/${file}, with these namespaces in it and the group that clusters[].impersonate names`,
  );
}

function isHad({ allowed }: Answered): boolean {
  return allowed === true;
}

/** What is missing of the way of which least is; of the classic one where nothing is had of the other. */
function fewer(
  constrained: readonly Answered[],
  classic: readonly Answered[],
): readonly [missing: readonly Answered[], file: string] {
  const isBegun = constrained.some(isHad);
  return isBegun
    ? [constrained.filter((it) => !isHad(it)), 'rbac-impersonate-constrained.yaml']
    : [classic.filter((it) => !isHad(it)), 'rbac-impersonate.yaml'];
}
