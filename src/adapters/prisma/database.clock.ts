import { z } from 'zod';
import { pause } from '../../app/pause.js';
import { Clock } from '../../app/ports/clock.js';
import type { Journal } from '../../app/ports/journal.js';
import type { Queryable } from './migrations.table.js';

const EVERY_MS = 20_000;
/** While it was never heard. */
const AGAIN_MS = 1_000;
/** An answer that takes longer says too little of when it was given to be more than a proof that we are wrong. */
const ROUND_TRIP_MS_MAX = 1_000;
/** Clocks that are kept by NTP differ by less: they are left alone. */
const TOLERATED_MS = 1_000;
/** What was put right is left alone from here on: about as far off as is tolerated, time would leap to and fro. */
const RIGHT_AGAIN_MS = 500;
const TOLD_MS = 5_000;

/** When the database was last asked, by this machine's clock and by one that is never set. */
interface Heard {
  readonly machineMs: number;
  readonly steadyMs: number;
}

const AWAY =
  'the clock of the database could not be asked: the one of this machine is gone by until it is';

const Now = z.object({ ms: z.coerce.number() });

/**
 * The machine's clock, put right by the database's where it is off: replicas then agree about deadlines with each other
 * and with what is due, whatever their machines say. While the database does not answer, it goes on from what it said last;
 * where the machine's clock is set meanwhile, by a clock that nobody sets (which stands still while a machine is suspended).
 */
export class DatabaseClock extends Clock {
  private offset = 0;
  private heard: Heard;
  private isHeard = false;
  private isAway = false;
  private told = 0;
  private stopping = new AbortController();
  private looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly deps: {
      readonly journal: Journal;
      readonly machine: Clock;
      /** Milliseconds by a clock that nobody sets; the process's own where left out. */
      readonly steadyMs?: () => number;
    },
  ) {
    super();
    this.heard = this.reading();
  }

  now(): Date {
    const { machineMs, steadyMs } = this.reading();
    const steadily = this.heard.machineMs + steadyMs - this.heard.steadyMs;
    const wasSet = Math.abs(machineMs - steadily) > TOLERATED_MS;
    return new Date((wasSet ? steadily : machineMs) + this.offset);
  }

  /** How far the database's clock is ahead of this machine's, as far as that is put right. */
  get correctionSeconds(): number {
    return this.offset / 1_000;
  }

  /** Asks the database once, and then now and then, until it is stopped: often where it was never heard. */
  async follow(db: () => Queryable): Promise<void> {
    this.stopping = new AbortController();
    await this.tryToLook(db);
    this.looking = this.goOn(db, this.stopping.signal);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.looking;
  }

  private async goOn(db: () => Queryable, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.isHeard ? EVERY_MS : AGAIN_MS, signal);
      if (signal.aborted) return;
      await this.tryToLook(db);
    }
  }

  private async tryToLook(db: () => Queryable): Promise<void> {
    try {
      await this.look(db());
      this.isAway = false;
    } catch (err) {
      if (!this.isAway) this.deps.journal.warn({ err, wasHeard: this.isHeard }, AWAY);
      this.isAway = true;
    }
  }

  private async look(db: Queryable): Promise<void> {
    const asked = this.reading();
    const askedMs = this.now().getTime();
    const { rows } = await db.query(`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`);
    const halfMs = (this.steadyMs() - asked.steadyMs) / 2;
    // It was given somewhere between asking and hearing.
    const givenMs = Now.parse(rows[0]).ms - halfMs;
    const isSlow = 2 * halfMs > ROUND_TRIP_MS_MAX;
    // One that was given at the very end of its wait shows nothing of a clock that is nearly right.
    if (isSlow && Math.abs(givenMs - askedMs) <= halfMs + TOLERATED_MS) return;
    const offset = Math.round(givenMs - asked.machineMs);
    const leftAloneMs = this.offset === 0 ? TOLERATED_MS : RIGHT_AGAIN_MS;
    this.heard = asked;
    this.isHeard = true;
    this.offset = Math.abs(offset) < leftAloneMs ? 0 : offset;
    this.tell();
  }

  private reading(): Heard {
    return { machineMs: this.deps.machine.now().getTime(), steadyMs: this.steadyMs() };
  }

  private steadyMs(): number {
    return this.deps.steadyMs?.() ?? performance.now();
  }

  /** Once for each change that is worth it. */
  private tell(): void {
    if (Math.abs(this.offset - this.told) < TOLD_MS) return;
    this.told = this.offset;
    const { journal } = this.deps;
    const facts = { databaseAheadSeconds: this.offset / 1_000 };
    if (this.offset === 0) journal.info(facts, 'the clock of this machine is right again');
    else {
      journal.error(
        facts,
        'the clock of this machine is not the database’s, which is gone by: have both keep time by NTP',
      );
    }
  }
}
