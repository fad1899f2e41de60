import type { RunningContainer } from '../runtime/container.runtime.js';
import type { ContainerRecord } from './container.record.js';
import { findImage, type NotStarted, startContainer } from './container.starter.js';
import type { Happening } from './event.recorder.js';
import type { KubeletParts } from './kubelet.js';
import { wireTime } from './kube.object.js';
import type { Pod } from './pod.schema.js';
import { wait } from './timings.js';

/** What a container's life needs of the Pod it is in. */
export interface PodSide {
  readonly pod: Pod;
  readonly records: ReadonlyMap<string, ContainerRecord>;
  /** True from the moment the Pod is being deleted. */
  readonly ending: boolean;
  readonly signal: AbortSignal;
  /** Writes the Pod's status as it now is. */
  publish(): void;
  event(record: ContainerRecord, happening: Omit<Happening, 'component' | 'fieldPath'>): void;
  /** A container will not run again. */
  finished(record: ContainerRecord): void;
}

/** One container, from pulling its image to the end of its last process. */
export class ContainerLife {
  constructor(
    private readonly parts: KubeletParts,
    private readonly side: PodSide,
    private readonly record: ContainerRecord,
  ) {}

  async live(): Promise<void> {
    const { parts, side, record } = this;
    const { timings, faults } = parts;
    const pod = side.pod.metadata.name;
    if (faults.strikeContainer(['never-start'], pod, record.spec.name) !== undefined) return;
    const slow = faults.strikeContainer(['slow-start'], pod, record.spec.name);
    if (slow !== undefined && !(await wait(slow.delayMs, side.signal))) return;
    for (let crashes = 0; this.#goesOn; crashes++) {
      const started = await this.#start();
      if (started === undefined) return;
      await wait(timings.runningMs, side.signal);
      record.shownId = record.runtimeId;
      record.state = { running: { startedAt: wireTime(started.startedAt) } };
      if (!side.ending) side.publish();
      await this.#end(started);
      if (!this.#restarts()) {
        record.finished = true;
        // While the Pod is ending, all endings go into one status, which the Pod's worker writes.
        if (!side.ending) side.publish();
        side.finished(record);
        return;
      }
      side.publish();
      if (!(await this.#backOff(crashes))) return;
      record.restartCount++;
    }
  }

  get #goesOn(): boolean {
    return !this.side.signal.aborted && !this.side.ending;
  }

  /** Waits for the process's end and notes it. */
  async #end(started: RunningContainer): Promise<void> {
    const { record, side, parts } = this;
    const exit = await started.exited;
    record.alive = false;
    // On deletion the ending is told at once; otherwise the kubelet notices with its next look.
    if (!side.ending) await wait(parts.timings.exitedMs, side.signal);
    record.state = {
      terminated: {
        exitCode: exit.exitCode,
        reason: exit.reason,
        ...(exit.message === undefined ? {} : { message: exit.message }),
        startedAt: wireTime(exit.startedAt),
        finishedAt: wireTime(exit.finishedAt),
        containerID: `containerd://${record.runtimeId}`,
      },
    };
  }

  #restarts(): boolean {
    const { record, side } = this;
    if (record.role === 'ephemeral' || side.ending) return false;
    const failed = record.state.terminated?.exitCode !== 0;
    const policy = side.pod.spec.restartPolicy ?? 'Always';
    if (record.role === 'init') return failed && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && failed);
  }

  /** The first restart is immediate, later ones wait longer and longer. */
  async #backOff(crashes: number): Promise<boolean> {
    const { record, side, parts } = this;
    const { name, namespace, uid } = side.pod.metadata;
    const backOffMs = Math.min(parts.timings.crashBackOffMs * 2 ** crashes, 300_000);
    const seconds = Math.ceil(backOffMs / 1000);
    const where = `${name}_${namespace}(${uid})`;
    record.lastState = record.state;
    const message = `back-off ${seconds}s restarting failed container=${record.spec.name} pod=${where}`;
    record.state = { waiting: { reason: 'CrashLoopBackOff', message } };
    if (crashes === 0) return true;
    side.publish();
    side.event(record, {
      type: 'Warning',
      reason: 'BackOff',
      message: `Back-off restarting failed container ${record.spec.name} in pod ${where}`,
    });
    return wait(backOffMs, side.signal);
  }

  /** Tries until there is a process; `undefined` when there never will be one. */
  async #start(): Promise<RunningContainer | undefined> {
    const { record, side, parts } = this;
    for (;;) {
      const image = findImage(parts.images, record.spec);
      if ('reason' in image) {
        if (!(await this.#failPull(image))) return undefined;
        continue;
      }
      if (!(await this.#pull())) return undefined;
      const started = await startContainer({
        runtime: parts.runtime,
        pod: side.pod,
        record,
        image,
        records: side.records,
      });
      if ('process' in started) {
        if (!this.#goesOn) {
          // The Pod was deleted while its container was being made.
          await started.process.stop(0);
          return undefined;
        }
        record.runtimeId = started.runtimeId;
        record.previous = record.process;
        record.process = started.process;
        record.alive = true;
        this.#tell('Normal', 'Created', 'Container created');
        this.#tell('Normal', 'Started', 'Container started');
        return started.process;
      }
      if (!(await this.#failStart(started))) return undefined;
    }
  }

  async #pull(): Promise<boolean> {
    const { record, side, parts } = this;
    const { image = '', name, imagePullPolicy } = record.spec;
    const slow = parts.faults.strikeContainer(['slow-pull'], side.pod.metadata.name, name);
    if (slow === undefined && imagePullPolicy !== 'Always') {
      this.#tell('Normal', 'Pulled', `Container image "${image}" already present on machine`);
      return this.#goesOn;
    }
    this.#tell('Normal', 'Pulling', `Pulling image "${image}"`);
    if (!(await wait(slow?.delayMs ?? parts.timings.pullMs, side.signal))) return false;
    this.#tell('Normal', 'Pulled', `Successfully pulled image "${image}"`);
    return this.#goesOn;
  }

  /** ErrImagePull, then ImagePullBackOff, for ever. Says whether to try again. */
  async #failPull(why: NotStarted): Promise<boolean> {
    const { record, side, parts } = this;
    const { timings } = parts;
    const { image = '' } = record.spec;
    const pulls = why.reason === 'ErrImagePull';
    if (pulls) this.#tell('Normal', 'Pulling', `Pulling image "${image}"`);
    if (!(await wait(timings.pullFailureMs, side.signal)) || side.ending) return false;
    if (record.state.waiting?.reason !== 'ImagePullBackOff') {
      record.state = { waiting: { reason: why.reason, message: why.message } };
      side.publish();
    }
    if (pulls) this.#tell('Warning', 'Failed', `Failed to pull image "${image}": ${why.message}`);
    this.#tell('Warning', 'Failed', `Error: ${why.reason}`);
    if (!(await wait(timings.backOffMs, side.signal)) || side.ending) return false;
    if (!pulls) return true;
    const message = `Back-off pulling image "${image}": ErrImagePull: ${why.message}`;
    record.state = { waiting: { reason: 'ImagePullBackOff', message } };
    side.publish();
    this.#tell('Normal', 'BackOff', `Back-off pulling image "${image}"`);
    this.#tell('Warning', 'Failed', 'Error: ImagePullBackOff');
    return (await wait(timings.backOffMs, side.signal)) && !side.ending;
  }

  /** The container could not be made or its command not run. Says whether to try again. */
  async #failStart(why: NotStarted): Promise<boolean> {
    const { record, side, parts } = this;
    const { timings, now } = parts;
    const finishedAt = wireTime(now());
    if (!(await wait(timings.runningMs, side.signal))) return false;
    record.state = { waiting: { reason: why.reason, message: why.message } };
    if (why.runtimeId === undefined) {
      side.publish();
      this.#tell('Warning', 'Failed', `Error: ${why.message}`);
      return (await wait(timings.backOffMs, side.signal)) && !side.ending;
    }
    record.runtimeId = why.runtimeId;
    record.shownId = why.runtimeId;
    record.lastState = {
      terminated: {
        exitCode: 128,
        reason: 'StartError',
        message: why.message,
        startedAt: '1970-01-01T00:00:00Z',
        finishedAt,
        containerID: `containerd://${why.runtimeId}`,
      },
    };
    side.publish();
    this.#tell('Normal', 'Created', 'Container created');
    this.#tell('Warning', 'Failed', `Error: ${why.message}`);
    // An ephemeral container is never tried again, and stays `waiting` so (measured: get/pod.json).
    if (record.role === 'ephemeral' || side.pod.spec.restartPolicy === 'Never') return false;
    return (await wait(timings.crashBackOffMs, side.signal)) && !side.ending;
  }

  #tell(type: Happening['type'], reason: string, message: string): void {
    this.side.event(this.record, { type, reason, message });
  }
}
