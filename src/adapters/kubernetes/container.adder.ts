import { PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { Place } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { EphemeralContainerSpec } from '../../domain/session/debug-container.js';
import { SESSION_VARIABLE } from '../../domain/session/debug-container.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import { impersonationHeaders } from './impersonation.headers.js';
import { whyNotDebuggable } from './pod.eligibility.js';
import type { PodDocument } from './kubernetes.documents.js';
import { problemOf } from './status.problems.js';
import { readPod } from './target.resolver.js';

type PodContainer = NonNullable<PodDocument['spec']['ephemeralContainers']>[number];

export type Added = 'added' | { readonly refused: Problem; readonly definite: boolean };

/**
 * Adds the container to the pinned Pod, after another look at it. The patch names the Pod's uid, so that one made anew
 * under the same name is refused, and no resourceVersion, so that it may be sent again. Fields are validated strictly:
 * what this cluster does not know would be dropped without a word, a security setting among them.
 */
export async function addContainer(
  connection: ClusterConnection,
  place: Place,
  container: EphemeralContainerSpec,
): Promise<Added> {
  const { namespace, pin } = place;
  const subject = {
    cluster: place.cluster,
    namespace,
    what: `Pod "${pin.podName}"`,
    act: 'the debug container',
  };
  const notSent = (refused: Problem): Added => ({ refused, definite: true });

  const pod = await readPod({ connection, namespace }, pin.podName);
  if (isApiFailure(pod)) return notSent(problemOf(pod, { ...subject, act: 'reading' }));
  if (pod.metadata.uid !== pin.podUid) return notSent(changed(pin.podName));
  // One of that name is compared by the API server, which takes the same again and refuses another: it may be a
  // stranger's. That its Pod can take no new one says nothing then.
  const there = pod.spec.ephemeralContainers?.find(({ name }) => name === container.name);
  const unfit = there ? undefined : whyNotDebuggable(pod, container.targetContainerName);
  if (unfit) return notSent(unfit);

  const headers = Object.entries(impersonationHeaders(connection.settings, place.onBehalf));
  const options = headers.reduce(
    (so, [name, value]) => setHeaderOptions(name, value, so),
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  );
  const answer = await connection.call(async ({ core }) => {
    await core.patchNamespacedPodEphemeralcontainers(
      {
        name: pin.podName,
        namespace,
        body: { metadata: { uid: pin.podUid }, spec: { ephemeralContainers: [container] } },
        fieldManager: 'hallpass',
        fieldValidation: 'Strict',
      },
      options,
    );
    return 'added' as const;
  });
  if (!isApiFailure(answer)) return answer;
  // The database was put back, and does not know that the session had begun before: its container may run.
  const isOurs = there !== undefined && sessionOf(there) === sessionOf(container);
  return { refused: problemOf(answer, subject), definite: answer.definite && !isOurs };
}

/** What a container says of whose it is. */
function sessionOf({ env }: Pick<PodContainer | EphemeralContainerSpec, 'env'>): string | null {
  return env?.find(({ name }) => name === SESSION_VARIABLE)?.value ?? null;
}

function changed(podName: string): Problem {
  return problem(
    'target-changed',
    `Pod "${podName}" was deleted, and another one made under its name. Ask again for the Pod that is there now.`,
  );
}
