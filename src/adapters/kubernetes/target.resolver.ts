import type { ResolvedTarget } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { Pin, PodChoice, Target, WorkloadKind } from '../../domain/session/session.js';
import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import type { Api, ClusterConnection } from './cluster.connection.js';
import { labelSelector } from './label.selector.js';
import { OwnerList, PodDocument, PodList, WorkloadDocument } from './kubernetes.documents.js';
import { isReady, whyNotDebuggable } from './pod.eligibility.js';
import type { NamespaceReader } from './namespace.reader.js';
import { problemOf } from './status.problems.js';
import { namespaceFacts, targetFacts } from './target.facts.js';

const PAGE = 250;
/** A workload of more Pods than this many pages is looked at no further: one of these will do. */
const PAGES_MAX = 8;

interface Place {
  readonly connection: ClusterConnection;
  readonly namespace: string;
}

interface Selected {
  readonly place: Place;
  readonly selector: string;
}

/** How each kind of workload is read. */
const READ = {
  Deployment: ({ apps }, at) => apps.readNamespacedDeployment(at),
  StatefulSet: ({ apps }, at) => apps.readNamespacedStatefulSet(at),
  DaemonSet: ({ apps }, at) => apps.readNamespacedDaemonSet(at),
  Job: ({ batch }, at) => batch.readNamespacedJob(at),
} satisfies Record<
  WorkloadKind,
  (api: Api, at: { name: string; namespace: string }) => Promise<unknown>
>;

/** What was looked for: the Pod, if there is one, and why no debug container can be added to it. */
type Chosen =
  | { readonly pod: PodDocument; readonly unfit: Problem | null }
  | { readonly pod: null; readonly unfit: Problem };

/**
 * The Pod that is meant, pinned, and what policy may look at. A Pod that is not there is no problem yet: whether that
 * may be told is for policy to say, which needs the namespace for it. The problem that is there is that the namespace
 * cannot be read now, whatever is in it.
 */
export async function resolveTarget(args: {
  readonly connection: ClusterConnection;
  readonly namespace: string;
  readonly target: Target;
  readonly container: string | undefined;
  readonly namespaces: NamespaceReader;
}): Promise<ResolvedTarget | Problem> {
  const { connection, namespace, namespaces, target } = args;
  const place = { connection, namespace };
  const [{ pod, unfit }, around] = await Promise.all([
    findPod(place, args),
    namespaces.read(connection, namespace),
  ]);
  if (isApiFailure(around)) return notRead(around, { place, what: whatOf(target) });
  const facts = namespaceFacts(around);
  if (pod === null) return { pin: null, facts, unfit };
  if (around === 'forbidden') namespaces.tellForbidden(connection, namespace);
  return { pin: pinOf(pod), facts: targetFacts(pod, facts), unfit };
}

/** A target as sentences name it. */
export function whatOf(target: Target): string {
  return `${target.kind === 'pod' ? 'Pod' : target.workload} "${target.name}"`;
}

async function findPod(
  place: Place,
  { target, container }: { readonly target: Target; readonly container: string | undefined },
): Promise<Chosen> {
  const what = whatOf(target);
  if (target.kind === 'pod') {
    const pod = await readPod(place, target.name);
    if (isApiFailure(pod)) return { pod: null, unfit: notRead(pod, { place, what }) };
    return { pod, unfit: whyNotDebuggable(pod, container) ?? null };
  }
  const pods = await podsOf(place, target);
  if (isApiFailure(pods)) return { pod: null, unfit: notRead(pods, { place, what }) };
  return choose({ pods, pick: target.pick, container, what });
}

/** The refusal for a target that is not there, or is in a namespace that may not be touched. */
export function noSuchTarget(at: { cluster: string; namespace: string; what: string }): Problem {
  return problem(
    'target-not-found',
    `There is no ${at.what} in namespace "${at.namespace}" of cluster "${at.cluster}" that Hallpass may touch. Check the names, and GET /v1/clusters for the namespaces.`,
  );
}

/** The Pod of that name as it is now. */
export async function readPod(
  { connection, namespace }: Place,
  name: string,
): Promise<PodDocument | ApiFailure> {
  return connection.call(async ({ core }) =>
    PodDocument.parse(await core.readNamespacedPod({ name, namespace })),
  );
}

function notRead(
  failure: ApiFailure,
  { place, what }: { readonly place: Place; readonly what: string },
): Problem {
  const at = { cluster: place.connection.settings.name, namespace: place.namespace, what };
  const missing = failure.failure === 'refused' && failure.httpStatus === 404;
  return missing ? noSuchTarget(at) : problemOf(failure, { ...at, act: 'reading' });
}

async function podsOf(
  place: Place,
  target: Extract<Target, { kind: 'workload' }>,
): Promise<PodDocument[] | ApiFailure> {
  const { connection, namespace } = place;
  const { name, workload } = target;
  const found = await connection.call(async (api) =>
    WorkloadDocument.parse(await READ[workload](api, { name, namespace })),
  );
  if (isApiFailure(found)) return found;
  const selector = labelSelector(found.spec?.selector);
  if (selector === undefined) return [];
  const owners =
    workload === 'Deployment'
      ? await replicaSetsOf({ place, selector }, found.metadata.uid)
      : new Set([found.metadata.uid]);
  if (isApiFailure(owners)) return owners;
  const pods = await listPods({ place, selector });
  if (isApiFailure(pods)) return pods;
  // Labels may be shared by what has nothing to do with each other; the owner may not.
  return pods.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid, controller }) => controller === true && owners.has(uid)),
  );
}

async function replicaSetsOf(
  { place, selector }: Selected,
  deploymentUid: string,
): Promise<Set<string> | ApiFailure> {
  const sets = await place.connection.call(async ({ apps }) =>
    OwnerList.parse(
      await apps.listNamespacedReplicaSet({ namespace: place.namespace, labelSelector: selector }),
    ),
  );
  if (isApiFailure(sets)) return sets;
  const owned = sets.items.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ uid }) => uid === deploymentUid),
  );
  return new Set(owned.map(({ metadata }) => metadata.uid));
}

async function listPods({ place, selector }: Selected): Promise<PodDocument[] | ApiFailure> {
  const pods: PodDocument[] = [];
  let token: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const from = token;
    const list = await place.connection.call(async ({ core }) =>
      PodList.parse(
        await core.listNamespacedPod({
          namespace: place.namespace,
          labelSelector: selector,
          limit: PAGE,
          ...(from === undefined ? {} : { _continue: from }),
        }),
      ),
    );
    if (isApiFailure(list)) return list;
    pods.push(...list.items);
    token = list.metadata?._continue ?? undefined;
    if (!token) break;
  }
  return pods;
}

/** Where none will do, the Pod is the one that the problem is told by, or is like it. */
function choose(args: {
  readonly pods: readonly PodDocument[];
  readonly pick: PodChoice;
  readonly container: string | undefined;
  readonly what: string;
}): Chosen {
  const { pods, pick, container, what } = args;
  const [first] = pods;
  if (!first) {
    const detail = `${what} has no Pods now. Ask again once it has one.`;
    return { pod: null, unfit: problem('target-not-debuggable', detail) };
  }
  const refusals = pods.map((pod) => whyNotDebuggable(pod, container));
  const fit = pods.filter((_, index) => refusals[index] === undefined).sort(byNeed);
  const ready = fit.filter(isReady);
  const chosen = pick === 'any-ready' ? ready[0] : fit[0];
  if (chosen) return { pod: chosen, unfit: null };
  const [refusal] = refusals;
  if (fit.length === 0 && refusal) {
    const detail = `None of the ${pods.length} Pods of ${what} can take the debug container. The first of them: ${refusal.detail}`;
    return { pod: first, unfit: pods.length === 1 ? refusal : problem(refusal.problem, detail) };
  }
  const detail = `None of the ${pods.length} Pods of ${what} is ready. Ask with "pick": "unhealthy-first" for one that is not.`;
  return { pod: fit[0] ?? first, unfit: problem('target-not-debuggable', detail) };
}

/** Those that are not ready first, then those that restarted most, then the oldest; names make the order total. */
function byNeed(a: PodDocument, b: PodDocument): number {
  return (
    Number(isReady(a)) - Number(isReady(b)) ||
    restarts(b) - restarts(a) ||
    age(a) - age(b) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

function restarts({ status }: PodDocument): number {
  return (status?.containerStatuses ?? []).reduce((sum, it) => sum + (it.restartCount ?? 0), 0);
}

function age({ metadata }: PodDocument): number {
  return metadata.creationTimestamp?.getTime() ?? 0;
}

function pinOf({ metadata, spec }: PodDocument): Pin {
  return { podName: metadata.name, podUid: metadata.uid, nodeName: spec.nodeName ?? '' };
}
