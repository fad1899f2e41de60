import { isDeepStrictEqual } from 'node:util';
import { pause } from '../../app/pause.js';
import type { Place } from '../../app/ports/cluster.js';
import type { Observation } from '../../domain/session/observation.js';
import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import type { ClusterLog } from './cluster.settings.js';
import type { PodDocument } from './kubernetes.documents.js';
import { NewsQueue } from './news.queue.js';
import { observationOf, podGone } from './observation.mapper.js';
import { watchPod } from './pod.watch.js';
import { problemOf } from './status.problems.js';
import { readPod } from './target.resolver.js';

const POLL_MS = 2_000;
const RETRY_FIRST_MS = 200;
const RETRY_LONGEST_MS = 5_000;

export interface Following {
  readonly connection: ClusterConnection;
  readonly place: Place;
  readonly signal: AbortSignal;
  readonly log: ClusterLog;
}

/** Reads the container's state once. */
export async function observeContainer(
  connection: ClusterConnection,
  { namespace, pin, containerName }: Place,
): Promise<Observation | ApiFailure> {
  const seen = await readPlace(connection, { namespace, pin, containerName });
  return isApiFailure(seen) ? seen : seen.observation;
}

interface Seen {
  readonly observation: Observation;
  readonly resourceVersion: string | undefined;
}

async function readPlace(
  connection: ClusterConnection,
  { namespace, pin, containerName }: Pick<Place, 'namespace' | 'pin' | 'containerName'>,
): Promise<Seen | ApiFailure> {
  const pod = await readPod({ connection, namespace }, pin.podName);
  if (!isApiFailure(pod)) {
    const observation = observationOf(pod, { podUid: pin.podUid, containerName });
    return { observation, resourceVersion: pod.metadata.resourceVersion ?? undefined };
  }
  const gone =
    pod.failure === 'refused' && pod.httpStatus === 404 && pod.status.reason === 'NotFound';
  if (!gone) return pod;
  return { observation: podGone(pin.podName, 'deleted'), resourceVersion: undefined };
}

/**
 * The container's states as they change, the present one first. Two look at it: a watch, which is quick and may fall
 * silent without a sign, and a read now and then, which is slow and certain; where the read knows more, the watch is
 * begun anew. Ends with `signal`, or after `pod-gone`, which nothing can follow.
 */
export async function* followContainer(following: Following): AsyncGenerator<Observation> {
  const over = new AbortController();
  const stop = () => over.abort();
  following.signal.addEventListener('abort', stop, { once: true });
  if (following.signal.aborted) stop();
  const follower = new ContainerFollower(following, over.signal);
  const work = follower.run();
  // A bug in there must reach the reader, not vanish: it wakes the queue, and is thrown where the work is awaited.
  work.catch(stop);
  try {
    for (;;) {
      const seen = await follower.news.take(over.signal);
      if (!seen || following.signal.aborted) return;
      yield seen;
      if (seen.kind === 'pod-gone') return;
    }
  } finally {
    following.signal.removeEventListener('abort', stop);
    stop();
    await work;
  }
}

class ContainerFollower {
  readonly news = new NewsQueue<Observation>();
  private last: Observation | undefined;
  private resourceVersion: string | undefined;
  /** Grows with all that the watch tells, so that a read begun before it is known to be older. */
  private told = 0;
  private watching = new AbortController();
  private failing = false;

  constructor(
    private readonly following: Following,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    await this.readUntilSeen();
    await Promise.all([this.pollOn(), this.watchOn()]);
  }

  /** Reads until the cluster answers. */
  private async readUntilSeen(): Promise<void> {
    for (let waitMs = RETRY_FIRST_MS; !this.signal.aborted; waitMs = longer(waitMs)) {
      if ((await this.read()) !== 'failed') return;
      await pause(waitMs, this.signal);
    }
  }

  private async pollOn(): Promise<void> {
    for (;;) {
      await pause(POLL_MS, this.signal);
      if (this.signal.aborted) return;
      // The read was quicker than the watch, which must be taken for silent.
      if ((await this.read()) === 'news') this.watching.abort();
    }
  }

  private async watchOn(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (!this.signal.aborted) {
      const toldBefore = this.told;
      const begunAtMs = performance.now();
      const end = await this.watchOnce();
      if (this.signal.aborted) return;
      const lived = this.told !== toldBefore || performance.now() - begunAtMs > RETRY_LONGEST_MS;
      waitMs = lived || end === 'expired' ? RETRY_FIRST_MS : longer(waitMs);
      if (isApiFailure(end)) this.note(end, 'watching');
      if (end === 'expired') await this.readUntilSeen();
      else if (!this.watching.signal.aborted) await pause(spread(waitMs), this.signal);
    }
  }

  private async watchOnce() {
    const { connection, place } = this.following;
    this.watching = new AbortController();
    return watchPod({
      connection,
      namespace: place.namespace,
      name: place.pin.podName,
      // "0" is any version the server has at hand: good enough where nothing better is known.
      resourceVersion: this.resourceVersion ?? '0',
      signal: AbortSignal.any([this.signal, this.watching.signal]),
      onLine: (line) => {
        this.told++;
        this.resourceVersion = line.object.metadata.resourceVersion ?? this.resourceVersion;
        if (line.type !== 'BOOKMARK') this.see(this.observed(line.type, line.object));
      },
    });
  }

  private observed(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: PodDocument): Observation {
    const { pin, containerName } = this.following.place;
    if (type === 'DELETED' && pod.metadata.uid === pin.podUid)
      return podGone(pin.podName, 'deleted');
    return observationOf(pod, { podUid: pin.podUid, containerName });
  }

  private async read(): Promise<'news' | 'known' | 'failed'> {
    const { connection, place } = this.following;
    const toldBefore = this.told;
    const seen = await readPlace(connection, place);
    if (this.signal.aborted) return 'failed';
    if (isApiFailure(seen)) {
      this.note(seen, 'reading');
      return 'failed';
    }
    this.failing = false;
    if (this.told !== toldBefore) return 'known';
    this.resourceVersion = seen.resourceVersion ?? this.resourceVersion;
    return this.see(seen.observation);
  }

  private see(observation: Observation): 'news' | 'known' {
    if (isDeepStrictEqual(observation, this.last)) return 'known';
    this.last = observation;
    this.news.put(observation);
    return 'news';
  }

  /** Once for each time that it begins to fail; the connection itself tells of clusters that do not answer. */
  private note(failure: ApiFailure, act: string): void {
    if (this.failing || failure.failure !== 'refused') return;
    this.failing = true;
    const { place, log } = this.following;
    const subject = {
      cluster: place.cluster,
      namespace: place.namespace,
      what: `Pod "${place.pin.podName}"`,
    };
    const { problem, cause } = problemOf(failure, { ...subject, act });
    log.warn({ ...subject, problem, err: cause }, 'a container cannot be followed as it should');
  }
}

function longer(waitMs: number): number {
  return Math.min(waitMs * 2, RETRY_LONGEST_MS);
}

/** So that the watches of many sessions, cut at once, do not come back at once. */
function spread(waitMs: number): number {
  return waitMs * (0.5 + Math.random());
}
