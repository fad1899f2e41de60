import type { SessionId } from '../domain/session/session.js';
import { AdvanceSession } from './advance-session.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import { SessionNews } from './ports/session.news.js';
import type { Claimed, Held, Room } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';

/** News may be lost: it is looked at least this often. */
const LOOK_MS = 1_000;
const SOONEST_MS = 5;
/** How long an error that nobody foresaw keeps a session from being tried again. */
const AFTER_ERROR_MS = 2_000;

/** A session that is advanced here. */
interface Work {
  readonly cluster: string;
  readonly isEnd: boolean;
  known: number;
  readonly abort: AbortController;
}

/**
 * Finds the sessions that are due, on any replica, and advances each: those just granted, those whose time is up, and
 * those that a replica left behind when it died. Each cluster has lanes of its own, some for ends and as many for all
 * else: one that does not answer holds up its own sessions and no others, what starts slowly no end, and an end that hangs
 * no start.
 */
export class ReconcileSessions {
  private readonly running = new Map<SessionId, Work>();
  private readonly stopping = new AbortController();
  private wake = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly news: SessionNews;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly advance: AdvanceSession;
      readonly replica: string;
      /** How many sessions of one cluster are ended at the same time, and how many others are advanced. */
      readonly lanes: number;
      /** How long a claim holds without being renewed: the longest that a dead replica delays anything. */
      readonly leaseSeconds: number;
    },
  ) {}

  start(): void {
    this.unsubscribe = this.deps.news.subscribe((id, version) => this.heard(id, version));
    this.loop = this.run();
  }

  /** Stops claiming, lets go of what is under way and waits for it. Sessions go on in the cluster. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    this.unsubscribe();
    for (const { abort } of this.running.values()) abort.abort();
    await this.loop;
    while (this.running.size > 0) await pause(10, new AbortController().signal);
  }

  private heard(id: SessionId, version: number): void {
    const mine = this.running.get(id);
    // What is under way here is looked at again when it is done, which wakes the loop too.
    if (!mine) this.wake.abort();
    else if (version > mine.known) mine.abort.abort();
  }

  private async run(): Promise<void> {
    const { store, journal } = this.deps;
    while (!this.stopping.signal.aborted) {
      this.wake = new AbortController();
      try {
        for (const claimed of await store.claim(this.lease(), this.room())) void this.work(claimed);
        // By the database's clock, as claims are: replicas' clocks may differ.
        const dueInMs = await store.nextDueInMs(this.room());
        await pause(Math.min(Math.max(dueInMs ?? LOOK_MS, SOONEST_MS), LOOK_MS), this.wake.signal);
      } catch (error) {
        journal.error({ err: error }, 'sessions could not be looked at');
        await pause(LOOK_MS, this.stopping.signal);
      }
    }
  }

  private async work({ session, isEnd }: Claimed): Promise<void> {
    const { store, journal, clock, replica } = this.deps;
    // Its own claim ran out while it was held up, and came back to it: the work is under way, and renewed by this.
    if (this.running.has(session.id)) return;
    const abort = new AbortController();
    const mine = { cluster: session.request.cluster, isEnd, known: session.version, abort };
    this.running.set(session.id, mine);
    const renewing = setInterval(
      () => void this.renew(session.id, mine),
      (this.deps.leaseSeconds * 1000) / 3,
    );
    try {
      const result = await this.deps.advance.advance(session, {
        isEnd,
        signal: AbortSignal.any([abort.signal, this.stopping.signal]),
        expect: (version) => (mine.known = Math.max(mine.known, version)),
      });
      await store.release({
        id: session.id,
        owner: replica,
        dueAt: result ? result.dueAt : clock.now(),
        version: result ? result.version : -1,
      });
    } catch (error) {
      journal.error({ session: session.id, err: error }, 'a session could not be advanced');
      await store
        .release({
          id: session.id,
          owner: replica,
          dueAt: new Date(clock.now().getTime() + AFTER_ERROR_MS),
          version: mine.known,
        })
        .catch((cause: unknown) =>
          journal.error({ session: session.id, err: cause }, 'a claim could not be given back'),
        );
    } finally {
      clearInterval(renewing);
      this.running.delete(session.id);
      this.wake.abort();
    }
  }

  private async renew(id: SessionId, mine: Work): Promise<void> {
    try {
      const stored = await this.deps.store.renew(id, this.lease());
      if (!stored || stored.version > mine.known) mine.abort.abort();
    } catch (error) {
      this.deps.journal.warn({ session: id, err: error }, 'a claim could not be renewed');
    }
  }

  /** The lanes, and what is advanced here now. */
  private room(): Room {
    const running = Map.groupBy(this.running.values(), ({ cluster }) => cluster);
    const taken = [...running].flatMap(([cluster, work]): Held[] => {
      const ends = work.filter(({ isEnd }) => isEnd).length;
      return [
        { cluster, isEnd: true, sessions: ends },
        { cluster, isEnd: false, sessions: work.length - ends },
      ];
    });
    return { lanes: this.deps.lanes, taken };
  }

  private lease() {
    return { owner: this.deps.replica, seconds: this.deps.leaseSeconds };
  }
}
