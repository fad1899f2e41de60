import { z } from 'zod';
import type { OnBehalf } from '../../app/ports/cluster.js';
import type { ByteTunnel, LogOptions, PodJson, PodPlace } from '../../app/ports/cluster.pods.js';
import { ClusterPods } from '../../app/ports/cluster.pods.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, problem } from '../../domain/problem.js';
import { plainText } from '../../domain/text.js';
import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import { openTunnel } from './byte.tunnel.js';
import { endOf } from './call.spans.js';
import type { ClusterConnection } from './cluster.connection.js';
import type { KubernetesClusters } from './kubernetes.clusters.js';
import { impersonationHeaders, inNameOf } from './impersonation.headers.js';
import { refusal } from './resilient.http.js';
import { wasNotSent } from './retry.policy.js';
import { problemOf } from './status.problems.js';
import { noSuchTarget } from './target.resolver.js';

const OPEN_MS = 10_000;
/** A Pod is at most 3 MiB as the API server takes it. */
const POD_CHARACTERS_MAX = 8 * 1024 * 1024;

const named = z.looseObject({ name: z.string() });

const Pod = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string() }),
  spec: z.looseObject({
    containers: z.array(named),
    initContainers: z.array(named).nullish(),
    ephemeralContainers: z.array(named).nullish(),
  }),
  status: z.looseObject({}).nullish(),
});

/** Pods by Kubernetes' own API, with the broker's account, byte for byte where client-node would lose something. */
export class KubernetesPods extends ClusterPods {
  constructor(private readonly clusters: KubernetesClusters) {
    super();
  }

  async read(at: {
    readonly cluster: string;
    readonly namespace: string;
    readonly pod: string;
  }): Promise<PodJson | Problem> {
    const what = `Pod "${at.pod}"`;
    const connection = this.clusters.connectionFor(at.cluster, at.namespace);
    if (!connection) return noSuchTarget({ ...at, what });
    const answer = await get(connection, podPath(at.namespace, at.pod), {
      signal: AbortSignal.timeout(OPEN_MS),
      accept: 'application/json',
    });
    if (isApiFailure(answer)) {
      const missing = answer.failure === 'refused' && answer.httpStatus === 404;
      return missing
        ? noSuchTarget({ ...at, what })
        : problemOf(answer, { ...at, what, act: 'reading' });
    }
    const pod = Pod.safeParse(await jsonOf(answer));
    if (pod.success) return pod.data;
    return problemOf(
      { failure: 'unreadable', definite: false, cause: pod.error },
      { ...at, what, act: 'reading' },
    );
  }

  async logs(
    place: PodPlace,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | Problem> {
    const found = await this.pinned(place);
    if (isProblem(found)) return found;
    const path = `${podPath(place.namespace, place.pin.podName)}/log?${logQuery(options).toString()}`;
    const { onBehalf } = place;
    const answer = await get(found, path, { signal, accept: '*/*', onBehalf });
    if (!isApiFailure(answer)) return answer;
    // A container that has not started, or has no previous one: Kubernetes' own sentence is the useful one.
    if (answer.failure === 'refused' && answer.httpStatus === 400) {
      return problem(
        'container-not-ready',
        `Kubernetes says "${plainText(answer.status.message ?? '', 400)}".`,
      );
    }
    return problemOf(answer, { ...subjectOf(place), act: `the log of "${options.container}"` });
  }

  async forward(
    place: PodPlace,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ByteTunnel | Problem> {
    const found = await this.pinned(place);
    if (isProblem(found)) return found;
    const address = await found.webSocket(
      `${podPath(place.namespace, place.pin.podName)}/portforward`,
    );
    const subject = { ...subjectOf(place), act: 'forwarding ports' };
    if (isApiFailure(address)) return problemOf(address, subject);
    const { url, options } = inNameOf(address, found, place.onBehalf);
    const call = { verb: 'get', resource: 'pods/portforward' };
    const opened = await found.calls.follow(call, async (span) => {
      const came = await openTunnel({ url, options, headers, signal });
      if ('failure' in came) span.end(endOf(came));
      return came;
    });
    return 'failure' in opened ? problemOf(opened, subject) : opened;
  }

  /** The connection, where the Pod of that name is still the one that the session was granted. */
  private async pinned({
    cluster,
    namespace,
    pin,
  }: PodPlace): Promise<ClusterConnection | Problem> {
    const pod = await this.read({ cluster, namespace, pod: pin.podName });
    if (isProblem(pod)) return pod;
    const what = `Pod "${pin.podName}"`;
    if (pod.metadata.uid !== pin.podUid) {
      return problem(
        'target-changed',
        `${what} is another one than the session was granted: it was made anew under the same name. Ask for a session with the one that is there now.`,
      );
    }
    return (
      this.clusters.connectionFor(cluster, namespace) ?? noSuchTarget({ cluster, namespace, what })
    );
  }
}

function subjectOf({ cluster, namespace, pin }: PodPlace) {
  return { cluster, namespace, what: `Pod "${pin.podName}"` };
}

function podPath(namespace: string, pod: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
}

function logQuery(options: LogOptions): URLSearchParams {
  const given: Readonly<Record<string, string | number | boolean | undefined>> = { ...options };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (value !== undefined && value !== false) query.set(name, String(value));
  }
  return query;
}

/** The body of a GET, not read yet; aborting `signal` cuts it, and nothing else where it falls silent. */
async function get(
  connection: ClusterConnection,
  path: string,
  {
    signal,
    accept,
    onBehalf,
  }: {
    readonly signal: AbortSignal;
    readonly accept: string;
    readonly onBehalf?: OnBehalf | undefined;
  },
): Promise<AsyncIterable<Uint8Array> | ApiFailure> {
  const request = await connection.request(path, 'logs');
  if (isApiFailure(request)) return request;
  request.setHeaderParam('Accept', accept);
  const headers = impersonationHeaders(connection.settings, onBehalf);
  for (const [name, value] of Object.entries(headers)) request.setHeaderParam(name, value);
  const opening = new AbortController();
  const tooLate = setTimeout(() => opening.abort(new Error('no answer in time')), OPEN_MS);
  request.setSignal(AbortSignal.any([signal, opening.signal]));
  try {
    const response = await connection.calls.open(request);
    if (response.httpStatusCode === 200) return bytes(response.body.stream(), signal);
    return refusal({
      httpStatus: response.httpStatusCode,
      retryAfter: response.headers['retry-after'],
      body: await response.body.text(),
    });
  } catch (cause) {
    return { failure: 'silent', definite: wasNotSent(cause), cause };
  } finally {
    clearTimeout(tooLate);
  }
}

async function* bytes(
  stream: AsyncIterable<Uint8Array | string> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream ?? []) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function jsonOf(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part);
    length += part.length;
    if (length > POD_CHARACTERS_MAX) return undefined;
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    return undefined;
  }
}
