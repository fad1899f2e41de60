import { z } from 'zod';
import { Clock } from '../../app/ports/clock.js';
import type { Journal } from '../../app/ports/journal.js';
import type { Queryable } from './migrations.table.js';

const EVERY_MS = 20_000;
/** An answer that takes longer says too little of when it was given. */
const ROUND_TRIP_MS_MAX = 1_000;
/** Clocks that are kept by NTP differ by less: they are left alone. */
const TOLERATED_MS = 1_000;
const TOLD_MS = 5_000;

/** When the database was last asked, by this machine's clock and by one that is never set. */
interface Heard {
  readonly machineMs: number;
  readonly steadyMs: number;
}

const Now = z.object({ ms: z.coerce.number() });

/**
 * The machine's clock, put right by the database's where it is off: replicas then agree about deadlines with each other
 * and with what is due, whatever their machines say. While the database does not answer, it goes on from what it said last;
 * where the machine's clock is set meanwhile, by a clock that nobody sets (which stands still while a machine is suspended).
 */
export class DatabaseClock extends Clock {
  private offset = 0;
  private heard: Heard;
  private told = 0;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly deps: {
      readonly journal: Journal;
      readonly machine: Clock;
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

  /** Asks the database once, and then now and then, until it is stopped. */
  async follow(db: () => Queryable): Promise<void> {
    const look = () => this.look(db()).catch(() => undefined);
    await look();
    this.timer = setInterval(() => {
      this.looking ??= look().finally(() => {
        this.looking = undefined;
      });
    }, EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(db: Queryable): Promise<void> {
    const asked = this.reading();
    const { rows } = await db.query(`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`);
    const tookMs = performance.now() - asked.steadyMs;
    if (tookMs > ROUND_TRIP_MS_MAX) return;
    const offset = Math.round(Now.parse(rows[0]).ms - (asked.machineMs + tookMs / 2));
    this.heard = asked;
    this.offset = Math.abs(offset) < TOLERATED_MS ? 0 : offset;
    this.tell();
  }

  private reading(): Heard {
    return { machineMs: this.deps.machine.now().getTime(), steadyMs: performance.now() };
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
