import { AdvanceSession } from '../../src/app/advance-session.js';
import { Clusters } from '../../src/app/ports/cluster.js';
import type { Place } from '../../src/app/ports/cluster.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import type { Changes } from '../../src/app/session-step.js';
import type { Terms } from '../../src/domain/policy/policy.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Observation, Terminated } from '../../src/domain/session/observation.js';
import type { Bounds } from '../../src/domain/session/session.plan.js';
import type { SessionEvent } from '../../src/domain/session/session.machine.js';
import type { Session } from '../../src/domain/session/session.js';
import { HandClock, MemoryJournal, MemorySessionStore } from './in-memory.ports.js';
import { MemoryActivity } from './in-memory.streams.js';
import { ROBIN, SYSTEM, actorOf, grantOf, newSession } from './sessions.js';

const REPLICA = 'test';

type Seen = Awaited<ReturnType<Clusters['observe']>>;

/** A cluster that answers as a test has it: until then, that nothing was added. */
export class ScriptedClusters extends Clusters {
  /** The calls that change something, in their order. */
  readonly calls: string[] = [];
  /** The containers that a line was written to. */
  readonly lines: string[] = [];
  onAdd: () => Awaited<ReturnType<Clusters['add']>> = () => 'added';
  onObserve: (place: Place) => Seen | Promise<Seen> = () => ABSENT;
  onRun: () => Awaited<ReturnType<Clusters['run']>> = () => ({ exitCode: 0 });
  onEvict: () => Awaited<ReturnType<Clusters['evict']>> = () => 'done';

  list() {
    return [];
  }

  resolve(): never {
    throw new Error('nobody asks here');
  }

  add() {
    this.calls.push('add');
    return Promise.resolve(this.onAdd());
  }

  observe(place: Place) {
    return Promise.resolve(this.onObserve(place));
  }

  async *follow(place: Place, signal: AbortSignal): AsyncIterable<Observation> {
    const seen = await this.onObserve(place);
    if (!isProblem(seen)) yield seen;
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  writeLine({ containerName }: Place) {
    this.calls.push('line');
    this.lines.push(containerName);
    return Promise.resolve('done' as const);
  }

  run(_: Place, command: readonly string[]) {
    this.calls.push(command[3] ?? '');
    return Promise.resolve(this.onRun());
  }

  evict() {
    this.calls.push('evict');
    return Promise.resolve(this.onEvict());
  }
}

export const ABSENT: Observation = { kind: 'absent', podEnding: false };

/** A container that ran from one second of its session's start to another. */
export function terminated(
  startedAt: Date,
  lastedSeconds: number,
  over: Partial<Terminated> = {},
): Terminated {
  return {
    kind: 'terminated',
    podEnding: false,
    exitCode: 0,
    reason: 'Completed',
    message: '',
    imageId: 'sha256:x',
    startedAt,
    finishedAt: new Date(startedAt.getTime() + lastedSeconds * 1000),
    ...over,
  };
}

export function running(startedAt: Date): Observation {
  return { kind: 'running', startedAt, imageId: 'sha256:x', podEnding: false };
}

/** One session, the replica that holds it, and a cluster and a clock that tests have in hand. The session has 10 minutes. */
export class AdvancingLab {
  readonly store = new MemorySessionStore();
  readonly clusters = new ScriptedClusters();
  readonly activity = new MemoryActivity();
  /** The session as it was stored when its container was said to run. */
  readonly seenRunningIn: Promise<Session>[] = [];
  bounds: Bounds = {
    startDeadlineSeconds: 60,
    pendingLapseSeconds: 60,
    approvedLapseSeconds: 60,
    checkSeconds: 10,
    startGraceSeconds: 60,
    handOverSeconds: 30,
    overrunSeconds: 0,
  };
  /** When the session is asked for; 30 seconds later is the last instant of its start. */
  readonly t0 = new Date(1_700_000_000_000);
  readonly clock = new HandClock(this.t0);
  readonly abort = new AbortController();
  private session: Session | undefined;

  at(seconds: number): Date {
    return new Date(this.t0.getTime() + seconds * 1000);
  }

  /** Brings the session to where these events lead, each at its second and with these changes. */
  async given(
    steps: readonly (readonly [SessionEvent, number, Changes?])[],
    terms: Partial<Terms> = {},
  ): Promise<void> {
    const grant = grantOf('a'.repeat(64));
    const session = newSession({
      createdAt: this.t0,
      updatedAt: this.t0,
      lapsesAt: this.at(60),
      grant: { ...grant, terms: { ...grant.terms, ...terms } },
    });
    const by = { capacities: ['requester', 'system'], actor: actorOf(ROBIN) } as const;
    await this.keep(firstStep({ session, event: 'grant', at: this.t0, ...by }));
    for (const [event, second, changes] of steps) await this.then(event, second, changes);
  }

  /** One more step, by whoever may take it. */
  async then(event: SessionEvent, second: number, changes: Changes = {}): Promise<void> {
    const session = await this.stored();
    const at = this.at(second);
    await this.keep(
      stepOf({ session, event, at, capacities: ['requester', 'system'], actor: SYSTEM, changes }),
    );
  }

  private async keep(step: Parameters<MemorySessionStore['write']>[0]): Promise<void> {
    const written = await this.store.write(step);
    if (isProblem(written)) throw new Error(written.detail);
    this.session = written;
  }

  /** Somebody typed into it, by whichever replica. */
  async typed(second: number): Promise<void> {
    await this.activity.touch((await this.stored()).id, this.at(second));
  }

  /** The change that a start brings with it. */
  get started(): Changes {
    const container = { name: 'hallpass-x', image: 'i', startBy: this.at(30) };
    return { startingAt: this.t0, lapsesAt: null, container };
  }

  /** Claims the session for so many seconds, and advances it as far as it goes. */
  async advance(signal = this.abort.signal, leaseSeconds = 60) {
    await this.store.claim({ owner: REPLICA, seconds: leaseSeconds }, { lanes: 10 });
    const { store, clusters, clock, bounds } = this;
    const journal = new MemoryJournal();
    const advance = new AdvanceSession({
      store,
      clusters,
      activity: this.activity,
      clock,
      bounds,
      journal,
      replica: REPLICA,
      sawRunning: () => void this.seenRunningIn.push(this.stored()),
    });
    return advance.advance(await this.stored(), { isEnd: true, signal, expect: () => undefined });
  }

  async stored(): Promise<Session> {
    const id = this.session?.id;
    const found = id && (await this.store.find(id));
    if (!found) throw new Error('there is no session yet');
    return found;
  }

  /** The steps of its own that the broker wrote, with their data. */
  async steps() {
    return this.store.steps((await this.stored()).id, 0);
  }

  async events(): Promise<string> {
    return (await this.steps()).map(({ event }) => event).join(' ');
  }
}
