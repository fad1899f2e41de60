import { ClusterStreams } from '../../app/ports/cluster.streams.js';
import type { Exec, RemoteProcess } from '../../app/ports/cluster.streams.js';
import type { Place } from '../../app/ports/cluster.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem } from '../../domain/problem.js';
import { enterContainer } from './container.processes.js';
import type { KubernetesClusters } from './kubernetes.clusters.js';

/** Streams into containers, over the connections and with the credentials of the clusters. */
export class KubernetesStreams extends ClusterStreams {
  constructor(private readonly clusters: KubernetesClusters) {
    super();
  }

  async exec(place: Place, exec: Exec, signal: AbortSignal): Promise<RemoteProcess | Problem> {
    const connection = this.clusters.connectionOf(place);
    if (isProblem(connection)) return connection;
    return this.clusters.told(await enterContainer(connection, { place, exec, signal }));
  }
}
