import type { ClusterTargets } from '../../app/ports/cluster.targets.js';
import { LISTED_PODS_MAX } from '../../app/ports/cluster.targets.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import type { PodDocument } from './kubernetes.documents.js';
import { PodList } from './kubernetes.documents.js';
import type { NamespaceReader } from './namespace.reader.js';
import { whyNotDebuggable } from './pod.eligibility.js';
import { problemOf } from './status.problems.js';
import { namespaceFacts, targetFacts } from './target.facts.js';

const PAGE = 250;

/** Lists the Pods of a namespace, a page at a time. */
export async function listTargets(at: {
  readonly connection: ClusterConnection;
  readonly namespace: string;
  readonly namespaces: NamespaceReader;
}): ReturnType<ClusterTargets['targets']> {
  const { connection, namespace, namespaces } = at;
  const place = { cluster: connection.settings.name, namespace, what: `namespace "${namespace}"` };
  const around = await namespaces.read(connection, namespace);
  if (isApiFailure(around)) return problemOf(around, { ...place, act: 'reading' });
  const found: PodDocument[] = [];
  let token: string | undefined;
  do {
    const from = token;
    const list = await connection.call(async ({ core }) =>
      PodList.parse(
        await core.listNamespacedPod({
          namespace,
          limit: PAGE,
          ...(from === undefined ? {} : { _continue: from }),
        }),
      ),
    );
    if (isApiFailure(list)) return problemOf(list, { ...place, act: 'reading' });
    found.push(...list.items);
    token = list.metadata?._continue ?? undefined;
  } while (token && found.length < LISTED_PODS_MAX);
  const facts = namespaceFacts(around);
  const fit = found
    .slice(0, LISTED_PODS_MAX)
    .filter((pod) => whyNotDebuggable(pod, undefined) === undefined);
  return { namespace: facts, pods: fit.map((pod) => targetFacts(pod, facts)) };
}
