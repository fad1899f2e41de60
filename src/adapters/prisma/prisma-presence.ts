import { randomUUID } from 'node:crypto';
import type { Watching } from '../../app/ports/presence.js';
import { Presence } from '../../app/ports/presence.js';
import { Journal } from '../../app/ports/journal.js';
import { pause } from '../../app/pause.js';
import type { Person } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';
import { PRESENCE_CHANNEL } from './session.sql.js';

export interface PresencePace {
  /** How often those here are said to be here still. */
  readonly beatSeconds: number;
  /** Who was silent for so long is gone. */
  readonly silentSeconds: number;
}

export const PRESENCE_PACE: PresencePace = { beatSeconds: 5, silentSeconds: 15 };

/** Held while those who fell silent are removed: one replica at a time does that, and nobody waits for it. */
const SWEEP_LOCK = 0x77617463;

interface Kept {
  readonly id: string;
  readonly session: SessionId;
  readonly person: Person;
  readonly since: string;
}

/**
 * Who watches, in PostgreSQL: rows that are refreshed, all of this replica's in one statement, and that stand for
 * nobody once they are old. Comings and goings are told by NOTIFY.
 */
export class PrismaPresence extends Presence {
  private readonly kept = new Map<string, Kept>();
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  /** @param told subscribes to the news of other replicas and of this one. */
  constructor(
    private readonly database: Database,
    private readonly told: (heard: (session: SessionId) => void) => () => void,
    private readonly journal: Journal,
    private readonly pace: PresencePace = PRESENCE_PACE,
  ) {
    super();
  }

  start(): void {
    this.loop = this.run();
  }

  /** Stops refreshing. Whoever is still here falls silent. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  async watching(session: SessionId): Promise<readonly Watching[]> {
    return this.database.prisma.$queryRaw<Watching[]>`
      SELECT id::text AS id, person, since FROM watchers
      WHERE session_id = ${session} AND seen_at > now() - make_interval(secs => ${this.pace.silentSeconds}::double precision)
      ORDER BY since, id`;
  }

  async join(session: SessionId, person: Person): Promise<() => Promise<void>> {
    const id = randomUUID();
    const [row] = await this.database.prisma.$queryRaw<{ since: Date }[]>`
      WITH joined AS (
        INSERT INTO watchers (id, session_id, person, since, seen_at)
        VALUES (${id}::uuid, ${session}, ${JSON.stringify(person)}::jsonb, now(), now()) RETURNING since
      )
      SELECT since, pg_notify(${PRESENCE_CHANNEL}, ${session})::text FROM joined`;
    const since = (row?.since ?? new Date()).toISOString();
    this.kept.set(id, { id, session, person, since });
    return () => this.leave(id, session);
  }

  subscribe(heard: (session: SessionId) => void): () => void {
    return this.told(heard);
  }

  private async leave(id: string, session: SessionId): Promise<void> {
    if (!this.kept.delete(id)) return;
    try {
      await this.database.prisma.$queryRaw`
        WITH gone AS (DELETE FROM watchers WHERE id = ${id}::uuid RETURNING 1)
        SELECT count(pg_notify(${PRESENCE_CHANNEL}, ${session})) FROM gone`;
    } catch (error) {
      this.journal.warn({ err: error, session }, 'somebody who left is seen for a while longer');
    }
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await pause(this.pace.beatSeconds * 1000, this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      try {
        await this.beat();
        await this.sweep();
      } catch (error) {
        this.journal.warn({ err: error }, 'it could not be said who is watching');
      }
    }
  }

  /** Says that those here are here; makes them anew where they were taken for gone meanwhile. */
  private async beat(): Promise<void> {
    if (this.kept.size === 0) return;
    const rows = JSON.stringify([...this.kept.values()]);
    await this.database.prisma.$queryRaw`
      WITH mine AS (
        SELECT * FROM jsonb_to_recordset(${rows}::jsonb) AS r(id uuid, session text, person jsonb, since timestamptz)
      ),
      beaten AS (
        UPDATE watchers w SET seen_at = now() FROM mine WHERE w.id = mine.id RETURNING w.id
      ),
      again AS (
        INSERT INTO watchers (id, session_id, person, since, seen_at)
        SELECT id, session, person, since, now() FROM mine WHERE NOT EXISTS (SELECT FROM beaten b WHERE b.id = mine.id)
        ON CONFLICT (id) DO NOTHING RETURNING session_id
      )
      SELECT count(pg_notify(${PRESENCE_CHANNEL}, session_id)) FROM again`;
    // Somebody may have left while this was under way.
    const left = (JSON.parse(rows) as Kept[])
      .map(({ id }) => id)
      .filter((id) => !this.kept.has(id));
    if (left.length > 0) {
      await this.database.prisma.watcher.deleteMany({ where: { id: { in: left } } });
    }
  }

  /** Removes those of replicas that died, and tells of it: by themselves rows grow old without news. */
  private async sweep(): Promise<void> {
    await this.database.prisma.$queryRaw`
      WITH gone AS (
        DELETE FROM watchers
        WHERE seen_at <= now() - make_interval(secs => ${this.pace.silentSeconds}::double precision)
          AND (SELECT pg_try_advisory_xact_lock(${SWEEP_LOCK}::bigint))
        RETURNING session_id
      )
      SELECT count(pg_notify(${PRESENCE_CHANNEL}, session_id)) FROM gone`;
  }
}
