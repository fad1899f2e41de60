import type { ApiClient } from '../sandbox/broker/api.client.js';
import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import { NAMESPACE } from './sessions.stage.js';
import type { Span } from './statistics.js';
import { coveredMs } from './statistics.js';

const LONGEST_MS = 60_000;

/**
 * One session by the API, ended by its requester as soon as it is active. Gives its id, and the span from sending the
 * request until its stream of events says `active`.
 *
 * @throws Error where it ends without having been active, or not within a minute.
 */
export async function timedSession(
  client: ApiClient,
  pod: string,
): Promise<{ readonly id: string; readonly askToActive: Span }> {
  const fromMs = performance.now();
  const { id } = await client.ask({
    namespace: NAMESPACE,
    target: { pod },
    profile: 'shell',
    reason: 'to see how long it takes',
    durationSeconds: 600,
  });
  let toMs: number | undefined;
  let last = '';
  for await (const { to } of client.steps(id, AbortSignal.timeout(LONGEST_MS))) {
    last = to;
    if (to !== 'active' || toMs !== undefined) continue;
    toMs = performance.now();
    await client.act(id, 'end');
  }
  if (toMs === undefined || last !== 'ended') {
    const { state, endDetail } = await client.session(id);
    throw new Error(`the session ${id} on ${pod} is ${state}: ${endDetail ?? 'no end told'}`);
  }
  return { id, askToActive: { fromMs, toMs } };
}

/** Notes when the cluster's own status first said of each debug container that it runs. */
export class RunningNotes implements Disposable {
  private readonly runningMs = new Map<string, number>();
  private readonly unsubscribe: () => void;

  constructor(private readonly cluster: StandInCluster) {
    this.unsubscribe = cluster.parts.store.subscribe(({ resource, object: { metadata } }) => {
      if (resource !== 'pods') return;
      const pod = cluster.pod(metadata.namespace ?? '', metadata.name);
      for (const { name, state } of pod?.status.ephemeralContainerStatuses ?? []) {
        if (state.running && !this.runningMs.has(name)) this.runningMs.set(name, performance.now());
      }
    });
  }

  /**
   * How long of a session the cluster took: while it had a request of the broker's about this Pod to answer, and from
   * its answer to the patch until its status said that the container runs. Reads the log of requests since it was
   * cleared, which must hold one session on this Pod.
   */
  clusterMs({ id, askToActive }: Awaited<ReturnType<typeof timedSession>>, pod: string): number {
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}`;
    const requests = this.cluster.requests
      .all()
      .filter((it) => it.path === path || /^[/?]/.test(it.path.replace(path, '')));
    const patch = requests.find(({ method, status }) => method === 'PATCH' && status === 200);
    const runningMs = this.runningMs.get(`hallpass-${id}`);
    if (!patch || runningMs === undefined) throw new Error(`the cluster knows nothing of ${id}`);
    return coveredMs(askToActive, [
      ...requests.map(({ arrivedMs, answeredMs }) => ({ fromMs: arrivedMs, toMs: answeredMs })),
      { fromMs: patch.answeredMs, toMs: runningMs },
    ]);
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }
}
