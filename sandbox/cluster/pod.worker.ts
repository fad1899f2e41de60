import type { RunningContainer } from '../runtime/container.runtime.js';
import { ContainerRecord, type ContainerRole } from './container.record.js';
import { ContainerLife, type PodSide } from './container.life.js';
import { userOf } from './container.starter.js';
import { sameJson } from './json.value.js';
import type { KubeletParts } from './kubelet.js';
import { wireTime } from './kube.object.js';
import { containerIdentifier } from './pod.defaults.js';
import type { Container, Pod } from './pod.schema.js';
import { podStatus } from './pod.status.js';
import { wait } from './timings.js';

/**
 * One Pod on its node: makes its containers real, and says so in the Pod's status in the order a kubelet does
 * (measured: test/kubernetes-1.36/lifecycle, watch/start-to-running.json).
 */
export class PodWorker {
  readonly #records = new Map<string, ContainerRecord>();
  readonly #stop = new AbortController();
  readonly #startTime: string;
  readonly #sandboxId = containerIdentifier();
  readonly #podIP: string;
  readonly #running = new Set<Promise<void>>();
  #pod: Pod;
  #observed = 0;
  #sandbox = false;
  #ending = false;
  #over = false;
  #syncing = false;

  readonly #side: PodSide;

  constructor(
    private readonly parts: KubeletParts,
    pod: Pod,
    podIP: string,
  ) {
    this.#pod = pod;
    this.#podIP = podIP;
    this.#startTime = wireTime(parts.now());
    this.#side = this.#sideForContainers();
  }

  #sideForContainers(): PodSide {
    const pod = () => this.#pod;
    const ending = () => this.#ending;
    return {
      get pod() {
        return pod();
      },
      get ending() {
        return ending();
      },
      records: this.#records,
      signal: this.#stop.signal,
      publish: () => this.#publish(),
      finished: () => this.#finishIfDone(),
      event: (record, happening) => {
        const { events, nodeName } = this.parts;
        const { fieldPath } = record;
        const from = { component: 'kubelet', host: nodeName };
        events.record(this.#pod, { ...happening, ...from, fieldPath });
      },
    };
  }

  /** The live process of a container, also when the status does not say `running` yet. */
  process(container: string): RunningContainer | undefined {
    const record = this.#records.get(container);
    return record?.alive === true ? record.process : undefined;
  }

  /** The one before the latest. */
  previous(container: string): RunningContainer | undefined {
    return this.#records.get(container)?.previous;
  }

  /** What holds the Pod's network, while it is there, and the containers that live in it. */
  get sandbox(): { id: string; containers: string[] } | undefined {
    if (!this.#sandbox) return undefined;
    const alive = [...this.#records.values()].filter((record) => record.alive);
    return { id: this.#sandboxId, containers: alive.flatMap((record) => record.runtimeId ?? []) };
  }

  /** The latest process of a container, ended ones too: their log can still be read. */
  latest(container: string): RunningContainer | undefined {
    return this.#records.get(container)?.process;
  }

  /** The Pod changed: look at it again, a little later as a kubelet does. */
  notify(pod: Pod): void {
    this.#pod = pod;
    if (this.#syncing || this.#stop.signal.aborted) return;
    this.#syncing = true;
    this.#track(
      wait(this.parts.timings.syncMs, this.#stop.signal).then((go) => {
        this.#syncing = false;
        if (go) this.#sync();
      }),
    );
  }

  /** Ends everything at once; for closing the cluster. */
  async abandon(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([...this.#records.values()].map(async (r) => r.process?.stop(0)));
    await Promise.allSettled([...this.#running]);
  }

  refresh(): void {
    this.#publish();
  }

  #sync(): void {
    const pod = this.#pod;
    if (this.#ending) return;
    this.#observed = pod.metadata.generation ?? 1;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#publish();
      this.#track(this.#terminate());
      return;
    }
    if (this.#over) {
      // A finished Pod takes the PATCH and nothing comes of it (measured: patch/pod-completed.json).
      return;
    }
    const added: ContainerRecord[] = [];
    const first = this.#records.size === 0;
    if (first) {
      this.#sandbox = true;
      added.push(...(pod.spec.initContainers ?? []).map((c) => this.#add(c, 'init')));
      added.push(...pod.spec.containers.map((c) => this.#add(c, 'app')));
    }
    for (const container of pod.spec.ephemeralContainers ?? []) {
      if (this.#records.has(container.name)) continue;
      const record = this.#add(container, 'ephemeral');
      if (first) added.push(record);
      else this.#live(record);
    }
    this.#publish();
    if (first) this.#track(this.#begin(added));
  }

  #add(container: Container, role: ContainerRole): ContainerRecord {
    const hasInit = (this.#pod.spec.initContainers ?? []).length > 0;
    const waiting = hasInit ? 'PodInitializing' : 'ContainerCreating';
    const record = new ContainerRecord(container, role, waiting);
    this.#records.set(container.name, record);
    return record;
  }

  async #begin(records: readonly ContainerRecord[]): Promise<void> {
    for (const record of records.filter((r) => r.role === 'ephemeral')) this.#live(record);
    for (const record of records.filter((r) => r.role === 'init')) {
      this.#live(record);
      await record.life;
      if (record.state.terminated?.exitCode !== 0) return;
    }
    for (const record of records.filter((r) => r.role === 'app')) this.#live(record);
  }

  #live(record: ContainerRecord): void {
    record.life = new ContainerLife(this.parts, this.#side, record).live();
    this.#track(record.life);
  }

  /** With no app container left to run, the kubelet ends the Pod, its ephemeral containers included. */
  #finishIfDone(): void {
    const apps = [...this.#records.values()].filter((r) => r.role === 'app');
    if (this.#over || this.#ending || !apps.every((r) => r.finished)) return;
    this.#over = true;
    const rest = [...this.#records.values()].filter((r) => r.alive);
    this.#track(
      Promise.all(rest.map(async (r) => r.process?.stop(this.#graceSeconds()))).then(() => {
        this.#sandbox = false;
        this.#publish();
      }),
    );
  }

  async #terminate(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const records = [...this.#records.values()];
    const alive = records.filter((r) => r.alive);
    for (const record of alive) {
      const message = `Stopping container ${record.spec.name}`;
      this.#side.event(record, { type: 'Normal', reason: 'Killing', message });
    }
    await Promise.all(alive.map(async (r) => r.process?.stop(this.#graceSeconds())));
    // Each container's own life notes how it ended; all endings go into one status.
    const told = records.filter((r) => r.alive || r.state.running !== undefined);
    await Promise.all([...alive, ...told].map((r) => r.life));
    this.#publish();
    this.#sandbox = false;
    this.#publish();
    await wait(this.parts.timings.removalMs, this.#stop.signal);
    this.#stop.abort();
    this.parts.removePod(this.#pod);
  }

  #graceSeconds(): number {
    const { deletionGracePeriodSeconds: asked } = this.#pod.metadata;
    // The kubelet's minimum (pkg/kubelet/kuberuntime, minimumGracePeriodInSeconds).
    return Math.max(asked ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30, 2);
  }

  #publish(): void {
    const { store, now, images, hostIP, isUnready } = this.parts;
    const { namespace, name, uid } = this.#pod.metadata;
    const current = store.get('pods', namespace, name);
    if (current?.metadata.uid !== uid || this.#records.size === 0) return;
    const status = podStatus({
      pod: current,
      records: [...this.#records.values()],
      observedGeneration: this.#observed,
      startTime: this.#startTime,
      podIP: [...this.#records.values()].some((r) => r.shownId !== undefined)
        ? this.#podIP
        : undefined,
      hostIP,
      sandbox: this.#sandbox,
      unready: isUnready(current),
      ending: this.#ending,
      runAsUser: (record) => userOf(current, record.spec, images.find(record.spec.image ?? '')),
      now: now(),
    });
    if (sameJson(status, current.status)) return;
    // Statuses that did not change are shared with the version before: histories of busy Pods stay small.
    const { ephemeralContainerStatuses: told } = status;
    if (told !== undefined) {
      const before = new Map(current.status.ephemeralContainerStatuses?.map((s) => [s.name, s]));
      status.ephemeralContainerStatuses = told.map((now) => {
        const then = before.get(now.name);
        return then !== undefined && sameJson(then, now) ? then : now;
      });
    }
    this.#pod = store.put('pods', { ...current, status });
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }
}
