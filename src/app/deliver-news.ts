import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import { Notifier, Outbox } from './ports/outbox.js';

const BATCH = 100;
const LOOK_MS = 1_000;
/** After news was written, so that what comes with it is told in one go, and not in the way of what it starts. */
const GATHER_MS = 50;
const SWEEP_MS = 600_000;
/** How long an Idempotency-Key stands for its first request. */
export const KEY_HOURS = 24;
const DELIVERED_DAYS = 7;

/** Empties the outbox into the notifiers, and forgets what is long done. */
export class DeliverNews {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private woken = new AbortController();
  private sweptAt = 0;

  constructor(
    private readonly deps: {
      readonly outbox: Outbox;
      readonly notifiers: readonly Notifier[];
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  start(): void {
    this.loop = this.run();
  }

  /** This replica has written news: it need not wait until it is looked for. */
  wake(): void {
    this.woken.abort();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const stopping = this.stopping.signal;
    while (!stopping.aborted) {
      this.woken = new AbortController();
      try {
        await this.sweep();
        const delivered = await this.deps.outbox.deliver(BATCH, async (news) => {
          for (const notifier of this.deps.notifiers) await notifier.tell(news);
        });
        if (delivered > 0) continue;
      } catch (error) {
        this.deps.journal.warn({ err: error }, 'news could not be delivered: it is tried again');
      }
      const woken = this.woken.signal;
      await pause(LOOK_MS, AbortSignal.any([woken, stopping]));
      if (woken.aborted) await pause(GATHER_MS, stopping);
    }
  }

  private async sweep(): Promise<void> {
    const now = this.deps.clock.now().getTime();
    if (now - this.sweptAt < SWEEP_MS) return;
    this.sweptAt = now;
    await this.deps.outbox.sweep({
      keys: new Date(now - KEY_HOURS * 3_600_000),
      delivered: new Date(now - DELIVERED_DAYS * 86_400_000),
    });
  }
}
