import { Outbox } from '../../app/ports/outbox.js';
import type { News } from '../../app/ports/outbox.js';
import type { Database } from './database.js';

/** Held by whoever tells, until what was told is marked. */
const OUTBOX_LOCK = 0x6f757462;
/** Far less than the time after which PostgreSQL cuts a transaction that only waits. */
const TELLING_MS = 5_000;

/** The outbox in PostgreSQL. */
export class PrismaOutbox extends Outbox {
  /** @param tellingMs after so long what was told is marked, and the rest left for the next time. */
  constructor(
    private readonly database: Database,
    private readonly tellingMs = TELLING_MS,
  ) {
    super();
  }

  async deliver(limit: number, tell: (news: News) => Promise<void>): Promise<number> {
    return this.database.prisma.$transaction(
      async (tx) => {
        // By itself: what the next statement sees is what the last holder of the lock left.
        const [lock] = await tx.$queryRaw<{ isHeld: boolean }[]>`
          SELECT pg_try_advisory_xact_lock(${OUTBOX_LOCK}::bigint) AS "isHeld"`;
        if (lock?.isHeld !== true) return 0;
        const waiting = await tx.$queryRaw<News[]>`
          SELECT id, topic, session_id AS "sessionId", seq, payload, created_at AS "at"
          FROM outbox
          WHERE delivered_at IS NULL ORDER BY id LIMIT ${limit}::int FOR UPDATE`;
        const endMs = performance.now() + this.tellingMs;
        const told: bigint[] = [];
        let failure: Error | undefined;
        for (const news of waiting) {
          try {
            await tell(news);
            told.push(news.id);
          } catch (error) {
            failure = new Error('news could not be told', { cause: error });
            break;
          }
          if (performance.now() > endMs) break;
        }
        await tx.$executeRaw`UPDATE outbox SET delivered_at = now() WHERE id = ANY(${told})`;
        if (failure && told.length === 0) throw failure;
        return told.length;
      },
      { timeout: 30_000 },
    );
  }

  async sweep(before: { delivered: Date; keys: Date }): Promise<void> {
    await this.database.prisma.outbox.deleteMany({
      where: { deliveredAt: { lt: before.delivered } },
    });
    await this.database.prisma.idempotencyKey.deleteMany({
      where: { createdAt: { lt: before.keys } },
    });
  }
}
