import type { ContainerRuntime, RunningContainer } from '../runtime/container.runtime.js';
import type { EventRecorder } from './event.recorder.js';
import type { Faults } from './faults.js';
import { type ImageTable, onThisMachine } from './images.js';
import type { ObjectStore } from './object.store.js';
import { allContainers } from './pod.containers.js';
import type { Pod } from './pod.schema.js';
import type { PortSide } from './port.forwarder.js';
import { PodWorker } from './pod.worker.js';
import type { Timings } from './timings.js';

/** What a PodWorker works with. */
export interface KubeletParts {
  store: ObjectStore;
  runtime: ContainerRuntime;
  images: ImageTable;
  faults: Faults;
  events: EventRecorder;
  timings: Timings;
  now: () => Date;
  nodeName: string;
  hostIP: string;
  isUnready: (pod: Pod) => boolean;
  /** Takes a Pod whose containers have ended out of the store. */
  removePod: (pod: Pod) => void;
}

/** Runs the Pods that are assigned to one node. */
export class Kubelet {
  readonly #workers = new Map<string, PodWorker>();
  readonly #parts: KubeletParts;
  readonly #unsubscribe: () => void;
  readonly #unready = new Set<string>();
  #lastIp = 9;

  constructor(parts: Omit<KubeletParts, 'isUnready'>) {
    this.#parts = { ...parts, isUnready: (pod) => this.#unready.has(pod.metadata.uid) };
    this.#unsubscribe = parts.store.subscribe(({ type, resource, object }) => {
      if (resource !== 'pods') return;
      const { uid, namespace, name } = object.metadata;
      if (type === 'DELETED') {
        const worker = this.#workers.get(uid);
        this.#workers.delete(uid);
        // A Pod taken away by force still has processes; nothing may outlive it.
        if (worker !== undefined) void worker.abandon();
        return;
      }
      const pod = parts.store.get('pods', namespace, name);
      if (pod !== undefined) this.#changed(pod);
    });
    for (const pod of parts.store.list('pods')) this.#changed(pod);
  }

  /** The live process of a container, or `undefined`: "container not found". */
  process(pod: Pod, container: string): RunningContainer | undefined {
    return this.#workers.get(pod.metadata.uid)?.process(container);
  }

  /** The latest process of a container, whether it lives or not. */
  latest(pod: Pod, container: string): RunningContainer | undefined {
    return this.#workers.get(pod.metadata.uid)?.latest(container);
  }

  /** The process of a container before its latest, where it was started again. */
  previous(pod: Pod, container: string): RunningContainer | undefined {
    return this.#workers.get(pod.metadata.uid)?.previous(container);
  }

  /** The Pod's ports, or `undefined` where the kubelet has no sandbox for it. */
  ports(pod: Pod): PortSide | undefined {
    const sandbox = this.#workers.get(pod.metadata.uid)?.sandbox;
    if (sandbox === undefined) return undefined;
    const { runtime } = this.#parts;
    const now = (): string[] => this.#workers.get(pod.metadata.uid)?.sandbox?.containers ?? [];
    return { sandboxId: sandbox.id, addressOf: (port) => runtime.addressOf(now(), port) };
  }

  /** A command as this machine can run it: what the container's image has and the machine has not is replaced. */
  played(pod: Pod, container: string, command: readonly string[]): string[] {
    const spec = allContainers(pod).find((c) => c.name === container);
    const image = this.#parts.images.find(spec?.image ?? '');
    return image === undefined ? [...command] : onThisMachine(image, command);
  }

  /** Plays a failing readiness probe: the Pod runs on, and is not Ready. */
  setReady(pod: Pod, ready: boolean): void {
    if (ready) this.#unready.delete(pod.metadata.uid);
    else this.#unready.add(pod.metadata.uid);
    this.#workers.get(pod.metadata.uid)?.refresh();
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([...this.#workers.values()].map((worker) => worker.abandon()));
    this.#workers.clear();
  }

  #changed(pod: Pod): void {
    if (pod.spec.nodeName !== this.#parts.nodeName) return;
    const known = this.#workers.get(pod.metadata.uid);
    if (known !== undefined) {
      known.notify(pod);
      return;
    }
    // A Pod that ended before is not started again.
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return;
    const worker = new PodWorker(this.#parts, pod, `10.244.0.${++this.#lastIp}`);
    this.#workers.set(pod.metadata.uid, worker);
    worker.notify(pod);
  }
}
