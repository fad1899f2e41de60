import type { Place } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import { plainText } from '../../domain/text.js';
import { ApiFailureError, isApiFailure } from './api.failure.js';
import { endOf } from './call.spans.js';
import type { ChannelConnection, ChannelHandlers, RefusedUpgrade } from './channel.client.js';
import { connectChannels } from './channel.client.js';
import type { ClusterConnection } from './cluster.connection.js';
import { inNameOf } from './impersonation.headers.js';
import { refusal } from './resilient.http.js';
import { problemOf } from './status.problems.js';
import type { KubernetesStatus } from './status.schema.js';

/**
 * Opens exec or attach, or says why not: a refused upgrade brings a Status, or text from the kubelet.
 *
 * @param notThere what it is called where the API server or the kubelet knows no such container (yet, or any more).
 * @param signal gives up opening, and cuts the connection later.
 */
export async function openChannels(args: {
  readonly connection: ClusterConnection;
  readonly place: Place;
  readonly path: 'exec' | 'attach';
  readonly query: URLSearchParams;
  readonly handlers: ChannelHandlers;
  readonly signal: AbortSignal;
  readonly notThere: 'cluster-refused' | 'container-not-ready';
}): Promise<ChannelConnection | Problem> {
  const { connection, place, path, query, handlers, signal, notThere } = args;
  const subject = { ...subjectOf(place), act: `a stream into "${place.containerName}"` };
  let refused: RefusedUpgrade | undefined;
  const opening = connection.call(async () => {
    const address = await connection.webSocket(
      `/api/v1/namespaces/${encodeURIComponent(place.namespace)}/pods/${encodeURIComponent(place.pin.podName)}/${path}?${query.toString()}`,
    );
    if (isApiFailure(address)) throw new ApiFailureError(address);
    const { url, options } = inNameOf(address, connection, place.onBehalf);
    const call = { verb: 'get', resource: `pods/${path}` };
    const answer = await connection.calls.follow(call, async (span) => {
      const came = await connectChannels({ url, options, handlers, signal });
      if ('kind' in came) {
        span.end(came.kind === 'refused' ? endOf(refusal(came)) : { fault: came.kind });
      }
      return came;
    });
    if (!('kind' in answer)) return answer;
    // By its caller: that says nothing about the cluster.
    if (signal.aborted) throw new GivenUpError();
    if (answer.kind === 'silent') {
      throw new ApiFailureError({ failure: 'silent', definite: false, cause: answer.cause });
    }
    refused = answer;
    throw new ApiFailureError(refusal(answer));
  });
  const opened = await opening.catch((error: unknown) => {
    if (error instanceof GivenUpError) return error;
    throw error;
  });
  if (opened instanceof GivenUpError) {
    return problem('cluster-unavailable', `The wait for ${subject.act} was given up.`);
  }
  if (!isApiFailure(opened)) return opened;
  if (refused && opened.failure === 'refused' && isNotThere(refused, opened.status)) {
    const said = opened.status.kind ? opened.status.message : refused.body;
    return problem(
      notThere,
      `Container "${place.containerName}" of ${subject.what} cannot be entered: Kubernetes says "${plainText(said ?? '', 200)}".`,
    );
  }
  return problemOf(opened, subject);
}

class GivenUpError extends Error {}

export function subjectOf({ cluster, namespace, pin }: Place) {
  return { cluster, namespace, what: `Pod "${pin.podName}"` };
}

/** What Kubernetes calls a container that the kubelet does not run, in a Status that comes after the upgrade. */
export function isOfAbsentContainer({ message }: KubernetesStatus): boolean {
  return /container not found \(|container \S+ not found in pod/.test(message ?? '');
}

/**
 * The kubelet's own refusals, "container not found" above all, are plain text at 500 (measured:
 * test/kubernetes-1.36/stream/exec-terminated.json): the cluster is well, there is just nothing to enter. A container
 * that is not in the Pod's spec is a 400 of the API server (exec-container-missing.json).
 */
function isNotThere({ httpStatus }: RefusedUpgrade, status: KubernetesStatus): boolean {
  if (httpStatus === 500) return !status.kind || isOfAbsentContainer(status);
  return httpStatus === 400 && /^container \S+ is not valid for pod /.test(status.message ?? '');
}
