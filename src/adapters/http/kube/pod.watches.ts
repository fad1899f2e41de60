import type { OnModuleDestroy } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import { personOf } from '../../../app/caller.js';
import type { Json, PodJson } from '../../../app/ports/cluster.pods.js';
import { Clock } from '../../../app/ports/clock.js';
import { SessionNews } from '../../../app/ports/session.news.js';
import type { Problem } from '../../../domain/problem.js';
import { isProblem, problem } from '../../../domain/problem.js';
import type { SessionId } from '../../../domain/session/session.js';
import { maySitIdle, whileConnected } from './idle.socket.js';
import { isSet, queryOf, watchSeconds } from './kube.query.js';
import { statusOf } from './kube.status.js';
import { podTable, wantsTable } from './kube.table.js';

/** How often the Pod is read although no news came. */
const LOOK_MS = 1_000;
const WATCH_SECONDS_MAX = 600;
const PER_PERSON_MAX = 10;
const TOTAL_MAX = 500;

/** Marks the end of what was there when the watch began (client-go, WatchList). */
const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' };

/**
 * Watches of one Pod, for kubectl: the Pod as it is, then whenever it has become another. Made of reads, so that a watch
 * needs nothing of the cluster's history; every resourceVersion is as good as any other.
 */
@Injectable()
export class PodWatches implements OnModuleDestroy {
  private readonly open = new Map<AbortController, string>();

  constructor(
    private readonly news: SessionNews,
    private readonly clock: Clock,
  ) {}

  /** Refuses a watch beyond the bounds; undefined where there is room for one. */
  refusal(caller: Caller): Problem | undefined {
    const mine = [...this.open.values()].filter((person) => person === keyOf(caller)).length;
    if (mine < PER_PERSON_MAX && this.open.size < TOTAL_MAX) return undefined;
    return problem('too-many-requests', 'Too many watches of Pods are open: close one.');
  }

  /**
   * Turns the reply into the watch of what `read` gives, read again at news of these sessions and now and then. Comes back
   * when it is over; throws what `read` throws on its first call alone.
   */
  async run(
    request: FastifyRequest,
    reply: FastifyReply,
    {
      caller,
      sessions,
      read,
    }: {
      readonly caller: Caller;
      readonly sessions: ReadonlySet<SessionId>;
      readonly read: () => Promise<PodJson | Problem>;
    },
  ): Promise<void> {
    const query = queryOf(request);
    const over = new AbortController();
    const gone = whileConnected(request, reply);
    const limit = AbortSignal.timeout(watchSeconds(query, WATCH_SECONDS_MAX) * 1_000);
    const end = AbortSignal.any([over.signal, gone, limit]);
    const bell = new Bell(end);
    const unsubscribe = this.news.subscribe((id) => {
      if (sessions.has(id)) bell.ring();
    });
    this.open.set(over, keyOf(caller));
    maySitIdle(request, reply);
    const table = wantsTable(request.headers.accept);
    const shown = (pod: PodJson) => (table ? podTable([pod], {}, this.clock.now()) : pod);
    const fresh = isSet(query, 'sendInitialEvents');
    reply.hijack();
    reply.raw.writeHead(200, { ...headersOf(reply), 'content-type': 'application/json' });
    const write = (type: string, object: object) =>
      writeLine(reply, `${JSON.stringify({ type, object })}\n`, end);
    try {
      let last: string | undefined;
      while (!end.aborted) {
        const pod = await read();
        if (isProblem(pod)) {
          await write('ERROR', statusOf(pod));
          break;
        }
        const text = JSON.stringify(pod);
        if (text !== last) {
          const known = query.has('resourceVersion') && query.get('resourceVersion') !== '0';
          await write(last === undefined && !known ? 'ADDED' : 'MODIFIED', shown(pod));
        }
        if (last === undefined && fresh) await write('BOOKMARK', bookmark(pod));
        last = text;
        await bell.wait(LOOK_MS);
      }
    } finally {
      unsubscribe();
      this.open.delete(over);
      reply.raw.end();
    }
  }

  onModuleDestroy(): void {
    for (const over of this.open.keys()) over.abort();
  }
}

function bookmark(pod: PodJson): Json {
  const { resourceVersion } = pod.metadata;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { resourceVersion, annotations: INITIAL_EVENTS_END },
    spec: { containers: [] },
    status: {},
  };
}

function headersOf(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]),
  );
}

/** Resolves when there is room for more, or all is over. */
async function writeLine(reply: FastifyReply, line: string, end: AbortSignal): Promise<void> {
  if (reply.raw.write(line) || end.aborted) return;
  await new Promise<void>((resolve) => {
    reply.raw.once('drain', resolve).once('close', resolve);
    end.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Wakes who waits; a ring in between is not lost. */
class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  constructor(private readonly end: AbortSignal) {
    end.addEventListener('abort', () => this.ring(), { once: true });
  }

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  async wait(ms: number): Promise<void> {
    if (!this.rung && !this.end.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.rung = false;
  }
}

function keyOf(caller: Caller): string {
  const { iss, sub } = personOf(caller);
  return JSON.stringify([iss, sub]);
}
