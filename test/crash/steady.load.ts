import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { ApiClient, ApiRefusal } from '../../sandbox/broker/api.client.js';
import type { NewSession, SessionDetails } from '../../src/contract/session.schema.js';

const NAMESPACE = 'staging';
const RETRY_MS = 100;
const GIVE_UP_MS = 30_000;
/** What may be asked again, and is, as a client does: nothing answers, or what answers cannot now. */
const PASSING: ReadonlySet<number> = new Set([409, 429, 500, 502, 503]);

/** What somebody was told that it is done. */
export interface Acknowledged {
  readonly session: string;
  readonly podName: string;
  readonly action: 'session.grant' | 'session.leave';
}

/** People who ask for sessions, wait for them, and end them or leave them to their deadline, one after the other. */
export class SteadyLoad {
  readonly acknowledged: Acknowledged[] = [];
  readonly refusals = new Map<string, number>();
  private readonly stopping = new AbortController();
  private readonly people: Promise<void>[] = [];

  constructor(
    private readonly parts: { readonly cluster: StandInCluster; readonly client: ApiClient },
    count: number,
  ) {
    for (let person = 0; person < count; person++) this.people.push(this.live(person));
  }

  /** Lets everybody finish what they are at. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.people);
  }

  private async live(person: number): Promise<void> {
    for (let round = person; !this.stopping.signal.aborted; round++) await this.session(round);
  }

  private async session(round: number): Promise<void> {
    const { cluster, client } = this.parts;
    const podName = uniqueName('load');
    const image = 'docker.io/library/busybox:1';
    cluster.addPod({ namespace: NAMESPACE, name: podName, image, command: ['sleep', '3600'] });
    await cluster.untilPod(NAMESPACE, podName, (pod) => pod?.status.phase === 'Running');
    const isLeft = round % 3 === 0;
    const wish: NewSession = {
      namespace: NAMESPACE,
      target: { pod: podName },
      profile: 'shell',
      reason: 'whatever dies',
      durationSeconds: isLeft ? 3 : 60,
    };
    const key = { 'idempotency-key': randomUUID() };
    const { id } = await this.insist('ask', () => client.ask(wish, key));
    this.acknowledged.push({ session: id, podName, action: 'session.grant' });
    if (isLeft) return;
    const seen = await this.until(id, ({ state }) => !['approved', 'starting'].includes(state));
    if (seen.state !== 'active') return;
    const ended = await this.insist('end', () => client.act(id, 'end'), id);
    if (ended.endReason === 'left') {
      this.acknowledged.push({ session: id, podName, action: 'session.leave' });
    }
  }

  private async until(
    id: string,
    holds: (session: SessionDetails) => boolean,
  ): Promise<SessionDetails> {
    const deadline = Date.now() + GIVE_UP_MS;
    for (;;) {
      const seen = await this.insist('read', () => this.parts.client.session(id));
      if (holds(seen) || Date.now() > deadline) return seen;
      await after(RETRY_MS);
    }
  }

  /** Tries until it is done. An end whose answer was lost is refused the next time: what came of it is read then. */
  private async insist(
    what: string,
    call: () => Promise<SessionDetails>,
    id?: string,
  ): Promise<SessionDetails> {
    for (const began = Date.now(); ;) {
      try {
        return await call();
      } catch (error) {
        const status = error instanceof ApiRefusal ? error.answer.status : 0;
        this.refusals.set(`${what} ${status}`, (this.refusals.get(`${what} ${status}`) ?? 0) + 1);
        const isLate = Date.now() - began > GIVE_UP_MS;
        if ((status !== 0 && !PASSING.has(status)) || isLate) throw error;
      }
      await after(RETRY_MS);
      if (id === undefined) continue;
      const seen = await this.parts.client.session(id).catch(() => undefined);
      if (seen && ['ending', 'ended'].includes(seen.state)) return seen;
    }
  }
}
