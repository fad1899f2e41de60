import { Outbox } from '../../app/ports/outbox.js';
import type { News } from '../../app/ports/outbox.js';
import type { Database } from './database.js';

/** The outbox in PostgreSQL. */
export class PrismaOutbox extends Outbox {
  constructor(private readonly database: Database) {
    super();
  }

  async deliver(limit: number, tell: (news: News) => Promise<void>): Promise<number> {
    return this.database.prisma.$transaction(
      async (tx) => {
        const waiting = await tx.$queryRaw<News[]>`
          SELECT id, topic, session_id AS "sessionId", seq, payload, created_at AS "at"
          FROM outbox
          WHERE delivered_at IS NULL ORDER BY id LIMIT ${limit}::int FOR UPDATE SKIP LOCKED`;
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
