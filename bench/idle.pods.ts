import type { StandInCluster } from '../sandbox/cluster/stand-in.cluster.js';
import { NAMESPACE } from './sessions.stage.js';

/** So many are started at once: more would only wait for each other. */
const AT_ONCE = 50;

/** Pods that run and do nothing, new for each trial: every debug container that a Pod had stays in its status. */
export class IdlePods implements AsyncDisposable {
  private constructor(
    private readonly cluster: StandInCluster,
    private readonly names: readonly string[],
  ) {}

  static async add(
    cluster: StandInCluster,
    { prefix, count }: { readonly prefix: string; readonly count: number },
  ): Promise<IdlePods> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    const pods = new IdlePods(cluster, names);
    for (const [index, name] of names.entries()) {
      cluster.addPod({
        namespace: NAMESPACE,
        name,
        image: 'docker.io/library/busybox:1',
        command: ['sleep', '86400'],
      });
      if ((index + 1) % AT_ONCE === 0) await pods.until((running) => running > index);
    }
    await pods.until((running) => running === count);
    return pods;
  }

  /** The name of one of them; the same for the same number, in turn. */
  at(number: number): string {
    return this.names[number % this.names.length] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.names) this.cluster.deletePod(NAMESPACE, name, 0);
    await this.until((running) => running === 0);
  }

  private until(satisfies: (running: number) => boolean): Promise<void> {
    const { cluster, names } = this;
    const isRunning = (name: string) => cluster.pod(NAMESPACE, name)?.status.phase === 'Running';
    const look = () => satisfies(names.filter(isRunning).length);
    return cluster.untilPods(NAMESPACE, look, 60_000);
  }
}
