import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { RunningContainer } from '../runtime/container.runtime.js';
import type { Reply, ResourceRequest } from './api.exchange.js';
import type { ClusterParts } from './cluster.parts.js';
import { LineCutter, type LogLine } from './log.lines.js';
import { type LogOptions, readLogOptions } from './log.options.js';
import { chooseContainer, containerState } from './pod.containers.js';
import type { Pod } from './pod.schema.js';
import { badRequest, isRefusal, notFound, type Refusal } from './status.objects.js';

const plain = { 'content-type': 'text/plain' };

/** `GET …/pods/NAME/log` (measured: get/logs-*.json; options as pkg/kubelet/kuberuntime/logs reads them). */
export function readLog({ kubelet, store, now }: ClusterParts, request: ResourceRequest): Reply {
  const { info, query } = request;
  const pod = store.get('pods', info.namespace, info.name ?? '');
  if (pod === undefined) return notFound({ group: '', resource: 'pods', name: info.name ?? '' });
  const options = readLogOptions(query, { pod: pod.metadata.name, now: now() });
  if (isRefusal(options)) return options;
  const container = chooseContainer(pod, query.get('container'));
  if (isRefusal(container)) return container;
  const process = options.previous
    ? kubelet.previous(pod, container)
    : kubelet.latest(pod, container);
  if (process === undefined) {
    if (options.previous) {
      const { name } = pod.metadata;
      return badRequest(`previous terminated container "${container}" in pod "${name}" not found`);
    }
    return notStarted(pod, container) ?? { status: 200, body: '', headers: plain };
  }
  return {
    headers: plain,
    write: async (response, gone) => {
      response.flushHeaders();
      const selection = new LogSelection(options);
      for await (const part of selection.of(process, gone)) {
        // A follower that does not read holds up nothing but itself.
        if (!response.write(part)) await drained(response, gone);
      }
      response.end();
    },
  };
}

/** Why there is no log yet, in the kubelet's sentence; undefined where there is just none. */
function notStarted(pod: Pod, container: string): Refusal | undefined {
  const waiting = containerState(pod, container)?.waiting;
  if (waiting === undefined && pod.spec.nodeName === undefined) return undefined;
  const why =
    waiting === undefined ||
    waiting.reason === 'ContainerCreating' ||
    waiting.reason === 'PodInitializing'
      ? `is waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`
      : `is waiting to start: ${imageTrouble[waiting.reason] ?? waiting.reason}`;
  return badRequest(`container "${container}" in pod "${pod.metadata.name}" ${why}`);
}

/** The kubelet's sentence where an image is the reason. */
const imageTrouble: Readonly<Record<string, string>> = {
  ErrImagePull: 'trying and failing to pull image',
  ImagePullBackOff: 'trying and failing to pull image',
  ErrImageNeverPull: "image can't be pulled",
};

/** What of a log is asked for: first the tail, then what is young enough, then not more than so many bytes. */
class LogSelection {
  readonly #cutter = new LineCutter();
  #leftBytes: number;

  constructor(private readonly options: LogOptions) {
    this.#leftBytes = options.limitBytes;
  }

  async *of(process: RunningContainer, gone: AbortSignal): AsyncGenerator<Buffer> {
    const { tailLines, follow } = this.options;
    const coming = process.followLog(gone, { onlyNew: true });
    const present = process.logEntries().flatMap((entry) => this.#cutter.take(entry));
    if (!follow) present.push(...this.#cutter.end(new Date()));
    for (const line of present.slice(Math.max(0, present.length - tailLines))) {
      yield* this.#shown(line);
    }
    if (!follow || this.#leftBytes === 0) return;
    for await (const entry of coming) {
      for (const line of this.#cutter.take(entry)) yield* this.#shown(line);
      if (this.#leftBytes === 0) return;
    }
    for (const line of this.#cutter.end(new Date())) yield* this.#shown(line);
  }

  *#shown({ at, bytes, begins }: LogLine): Generator<Buffer> {
    const { since, timestamps } = this.options;
    if (at < since) return;
    const stamped =
      timestamps && begins ? Buffer.concat([Buffer.from(`${stampOf(at)} `), bytes]) : bytes;
    const part = stamped.subarray(0, this.#leftBytes);
    this.#leftBytes -= part.length;
    if (part.length > 0) yield part;
  }
}

/** Go's RFC3339NanoFixed; this machine's clock gives milliseconds. */
function stampOf(at: Date): string {
  return at.toISOString().replace('Z', '000000Z');
}

async function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  try {
    await once(response, 'drain', { signal: gone });
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}
