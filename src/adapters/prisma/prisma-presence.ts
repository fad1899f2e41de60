import { randomUUID } from 'node:crypto';
import type { Visit, Watching } from '../../app/ports/presence.js';
import { Presence } from '../../app/ports/presence.js';
import { Journal } from '../../app/ports/journal.js';
import { pause } from '../../app/pause.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Person } from '../../domain/person.js';
import { invariant } from '../../domain/problem.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';
import { audited, entryOf } from './recording.sql.js';
import { auditColumns } from './session.rows.js';
import { PRESENCE_CHANNEL } from './session.sql.js';

export interface PresencePace {
  /** How often those here are said to be here still. */
  readonly beatSeconds: number;
  /** Who was silent for so long is gone. */
  readonly silentSeconds: number;
}

export const PRESENCE_PACE: PresencePace = { beatSeconds: 5, silentSeconds: 15 };

/** So many are removed at a time. */
const SWEPT_MAX = 100;

/** What the audit log has of somebody who fell silent. */
type Silent = (session: SessionId, person: Person) => Promise<AuditEntry>;

interface Kept {
  readonly visit: Visit;
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

  /** @param silent makes the entry that is written, once, for each who fell silent. */
  start(silent: Silent): void {
    this.loop = this.run(silent);
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

  async join(visit: Visit): Promise<() => Promise<void>> {
    const id = randomUUID();
    const { session, person, came } = visit;
    const { rows } = await this.database.pool.query<{ since: Date }>(
      `WITH joined AS (
         INSERT INTO watchers (id, session_id, person, since, seen_at)
         VALUES ($1::uuid, $2, $3::jsonb, now(), now()) RETURNING since
       ),
       a AS (${audited('joined', 4)})
       SELECT since, pg_notify('${PRESENCE_CHANNEL}', $2) FROM joined`,
      [id, session, JSON.stringify(person), entryOf(came())],
    );
    const since = invariant(rows[0], 'nobody joined').since.toISOString();
    this.kept.set(id, { visit, since });
    return () => this.leave(id, visit);
  }

  subscribe(heard: (session: SessionId) => void): () => void {
    return this.told(heard);
  }

  private async leave(id: string, visit: Visit): Promise<void> {
    if (this.kept.delete(id)) await this.remove(id, visit);
  }

  /** Removes somebody and writes that they left: once, however often it is asked and whoever removes them first. */
  private async remove(id: string, { session, left }: Visit): Promise<void> {
    try {
      await this.database.pool.query(
        `WITH gone AS (DELETE FROM watchers WHERE id = $1::uuid RETURNING session_id), a AS (${audited('gone', 2)})
         SELECT pg_notify('${PRESENCE_CHANNEL}', session_id) FROM gone`,
        [id, entryOf(left())],
      );
    } catch (error) {
      this.journal.warn({ err: error, session }, 'somebody who left is seen for a while longer');
    }
  }

  private async run(silent: Silent): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await pause(this.pace.beatSeconds * 1000, this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      try {
        await this.beat();
        await this.sweep(silent);
      } catch (error) {
        this.journal.warn({ err: error }, 'it could not be said who is watching');
      }
    }
  }

  /** Says that those here are here; makes them anew where they were taken for gone meanwhile. */
  private async beat(): Promise<void> {
    if (this.kept.size === 0) return;
    const beaten = [...this.kept];
    const rows = beaten.map(([id, { visit, since }]) => ({
      id,
      session: visit.session,
      person: visit.person,
      since,
      audit: auditColumns({ audit: visit.came() }),
    }));
    await this.database.pool.query(
      `WITH mine AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, session text, person jsonb, since timestamptz, audit jsonb)
       ),
       beaten AS (
         UPDATE watchers w SET seen_at = now() FROM mine WHERE w.id = mine.id RETURNING w.id
       ),
       again AS (
         INSERT INTO watchers (id, session_id, person, since, seen_at)
         SELECT id, session, person, since, now() FROM mine WHERE NOT EXISTS (SELECT FROM beaten b WHERE b.id = mine.id)
         ON CONFLICT (id) DO NOTHING RETURNING id, session_id
       ),
       a AS (
         INSERT INTO audit_events SELECT j.* FROM again JOIN mine USING (id), jsonb_populate_record(NULL::audit_events, audit) j
       )
       SELECT pg_notify('${PRESENCE_CHANNEL}', session_id) FROM again`,
      [JSON.stringify(rows)],
    );
    // Who left while this was under way may have been made anew after they were removed.
    for (const [id, { visit }] of beaten) if (!this.kept.has(id)) await this.remove(id, visit);
  }

  /** Removes those of replicas that died, and tells of it: by themselves rows grow old without news. */
  private async sweep(silent: Silent): Promise<void> {
    const isSilent = `seen_at <= now() - make_interval(secs => $1::double precision)`;
    const { silentSeconds } = this.pace;
    const { rows } = await this.database.pool.query<{
      id: string;
      session: SessionId;
      person: Person;
    }>(
      `SELECT id::text, session_id AS session, person FROM watchers WHERE ${isSilent} ORDER BY seen_at LIMIT $2::int`,
      [silentSeconds, SWEPT_MAX],
    );
    for (const { id, session, person } of rows) {
      // Other replicas do the same: who comes second removes nobody, and writes nothing.
      await this.database.pool.query(
        `WITH gone AS (DELETE FROM watchers WHERE id = $2::uuid AND ${isSilent} RETURNING session_id),
         a AS (${audited('gone', 3)})
         SELECT pg_notify('${PRESENCE_CHANNEL}', session_id) FROM gone`,
        [silentSeconds, id, entryOf(await silent(session, person))],
      );
    }
  }
}
