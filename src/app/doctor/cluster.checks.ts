import type { ClusterRight, RightSet } from '../../domain/cluster.rights.js';
import type { ActingRight } from '../../domain/doctor/acting.rights.js';
import {
  actingRights,
  judgeActing,
  OWN_WHEN_ACTING,
  PEOPLES,
} from '../../domain/doctor/acting.rights.js';
import {
  judgeApi,
  judgeClock,
  judgeLockDown,
  judgeVersion,
} from '../../domain/doctor/cluster.verdicts.js';
import { judgeContainers } from '../../domain/doctor/containers.verdict.js';
import { Unseen, unknown } from '../../domain/doctor/finding.js';
import { judgePodSecurity } from '../../domain/doctor/pod-security.js';
import type { RbacSubject } from '../../domain/doctor/rbac.rules.js';
import { accountOf } from '../../domain/doctor/rbac.rules.js';
import type { Answered, Right } from '../../domain/doctor/rights.verdict.js';
import {
  CLUSTER_RIGHTS_BEYOND,
  judgeBeyond,
  judgeNeeded,
  NEEDED,
  RIGHTS_BEYOND,
} from '../../domain/doctor/rights.verdict.js';
import type { Impersonation } from '../../domain/impersonation.js';
import type { DebugProfile } from '../../domain/policy/policy.js';
import type { ClusterLooks, Reviewee } from '../ports/cluster.looks.js';
import type { Check } from './examine.js';

/** One cluster that is to be looked at. */
export interface ClusterCase {
  readonly looks: ClusterLooks;
  readonly namespaces: readonly string[];
  /** Hallpass's own account there; `self`: the credentials are its own. */
  readonly broker: 'self' | RbacSubject;
  /** How it acts in people's names there; null: it does all as itself. */
  readonly impersonation: Impersonation | null;
  /** Rights that policies call for besides those that are always needed. */
  readonly sets: ReadonlySet<RightSet>;
  /** Null: the policies are not known. */
  readonly profiles: readonly DebugProfile[] | null;
  /** Which of these containers, by name, no session has. Null: the database is not known. */
  readonly strangers: ((names: readonly string[]) => Promise<ReadonlySet<string> | Unseen>) | null;
}

/** What is looked at of a cluster, but for who else may do what. */
export function clusterChecks(of: ClusterCase): Check[] {
  const { looks, namespaces } = of;
  const { name } = looks;
  const who: Reviewee = of.broker === 'self' ? 'self' : accountOf(of.broker);
  const api = async (signal: AbortSignal) => looks.api(signal);
  return [
    {
      name: 'kubernetes',
      on: name,
      look: async (signal) => {
        const found = await api(signal);
        return judgeVersion(found instanceof Unseen ? found : found.version);
      },
    },
    { name: 'kubernetes-api', on: name, look: async (signal) => judgeApi(await api(signal)) },
    { name: 'clock', on: name, look: async (signal) => judgeClock(await looks.clock(signal)) },
    {
      name: 'lock-down',
      on: name,
      look: async (signal) => judgeLockDown(await looks.admissionPolicies(signal)),
    },
    {
      name: 'rights-beyond',
      on: name,
      look: async (signal) =>
        judgeBeyond(await answersOf(looks, who, CLUSTER_RIGHTS_BEYOND, { signal })),
    },
    ...namespaces.flatMap((namespace): Check[] => [
      {
        name: 'rights',
        on: `${name}/${namespace}`,
        look: async (signal) =>
          judgeNeeded(
            await answersOf<ClusterRight>(
              looks,
              who,
              of.impersonation === null ? NEEDED : OWN_WHEN_ACTING,
              { namespace, signal },
            ),
            of.sets,
          ),
      },
      ...(of.impersonation === null ? [] : actingChecks(of, of.impersonation, { who, namespace })),
      {
        name: 'rights-beyond',
        on: `${name}/${namespace}`,
        look: async (signal) =>
          judgeBeyond(await answersOf(looks, who, RIGHTS_BEYOND, { namespace, signal })),
      },
      {
        name: 'pod-security',
        on: `${name}/${namespace}`,
        look: async (signal) => {
          if (of.profiles === null) return unknown(NO_PROFILES);
          const labels = await looks.namespaceLabels(namespace, signal);
          return labels instanceof Unseen ? unknown(labels) : judgePodSecurity(labels, of.profiles);
        },
      },
      ...containerChecks(of, namespace),
    ]),
  ];
}

/** Whether a container runs there that no session has, as after the database was put back. */
function containerChecks({ looks, strangers }: ClusterCase, namespace: string): Check[] {
  if (strangers === null) return [];
  return [
    {
      name: 'containers',
      on: `${looks.name}/${namespace}`,
      look: async (signal) => {
        const running = await looks.debugContainers(namespace, signal);
        if (running instanceof Unseen) return unknown(running);
        const unknowns = await strangers(running.map(({ container }) => container));
        if (unknowns instanceof Unseen) return unknown(unknowns);
        if (unknowns.size === 0) return judgeContainers([]);
        // A session lets go of a container once it has ended: what was let go of in between runs no more.
        const still = await looks.debugContainers(namespace, signal);
        return judgeContainers(
          still instanceof Unseen ? still : still.filter((it) => unknowns.has(it.container)),
        );
      },
    },
  ];
}

/** What is looked at where it acts in people's names: whether it may, and what they may then. */
function actingChecks(
  { looks, sets, broker }: ClusterCase,
  impersonation: Impersonation,
  { who, namespace }: { readonly who: Reviewee; readonly namespace: string },
): Check[] {
  const { userPrefix, group } = impersonation;
  // Nobody's name: what is asked is what the group gives.
  const user = `${userPrefix}hallpass-doctor`;
  const people: Reviewee =
    broker === 'self' ? { actedAs: { user, group } } : { user, groups: [group] };
  const place = `${looks.name}/${namespace}`;
  return [
    {
      name: 'rights',
      on: `${place}: act in people’s names`,
      look: async (signal) => {
        const { classic, constrained } = actingRights(impersonation);
        const answers = async (rights: readonly ActingRight[]) =>
          Promise.all(
            rights.map(async (right) => ({
              right,
              allowed: await looks.may(
                who,
                right,
                right.inNamespace ? { namespace, signal } : { signal },
              ),
            })),
          );
        const api = await looks.api(signal);
        return judgeActing(
          { classic: await answers(classic), constrained: await answers(constrained) },
          api instanceof Unseen ? api : api.version,
        );
      },
    },
    {
      name: 'rights',
      on: `${place}: people in sessions`,
      look: async (signal) =>
        judgeNeeded(
          await answersOf<ClusterRight>(looks, people, PEOPLES, { namespace, signal }),
          sets,
          'of people',
        ),
    },
  ];
}

const NO_PROFILES = new Unseen(
  'the policies are not known here, and so neither are their profiles',
  'run hallpass doctor --config where Hallpass runs',
);

/** The names in a configuration may be patterns: those are asked for. */
export async function namespacesOf(
  looks: ClusterLooks,
  patterns: readonly string[],
  matches: (name: string) => boolean,
  signal: AbortSignal,
): Promise<readonly string[] | Unseen> {
  if (patterns.every((pattern) => !pattern.includes('*'))) return patterns;
  const all = await looks.namespaces(signal);
  return all instanceof Unseen ? all : all.filter(matches);
}

async function answersOf<R extends Right>(
  looks: ClusterLooks,
  who: Reviewee,
  rights: readonly R[],
  at: { readonly namespace?: string; readonly signal: AbortSignal },
): Promise<Answered<R>[]> {
  return Promise.all(
    rights.map(async (right) => ({ right, allowed: await looks.may(who, right, at) })),
  );
}
