import type { DeadLetter, SinkStanding } from '../../app/ports/sink.store.js';
import { SinkStore } from '../../app/ports/sink.store.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Database } from './database.js';
import { entryOf } from './recording.sql.js';
import { inTransaction } from './transaction.js';

export const REASON_CHARACTERS_MAX = 500;

/** The cursors of sinks in PostgreSQL, by its clock. */
export class PrismaSinkStore extends SinkStore {
  constructor(private readonly database: Database) {
    super();
  }

  async claim(name: string, holder: string, seconds: number): Promise<number | undefined> {
    const { rows } = await this.database.pool.query<{ next: string }>(
      `INSERT INTO audit_sinks AS s (name, holder, claimed_until)
       VALUES ($1, $2, now() + make_interval(secs => $3))
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, claimed_until = excluded.claimed_until
         WHERE s.holder IS NULL OR s.holder = excluded.holder OR s.claimed_until < now()
       RETURNING s.next`,
      [name, holder, seconds],
    );
    return rows[0] && Number(rows[0].next);
  }

  async advance(args: {
    readonly name: string;
    readonly holder: string;
    readonly from: number;
    readonly to: number;
    readonly dead: readonly DeadLetter[];
    readonly told?: AuditEntry;
  }): Promise<boolean> {
    const { name, holder, from, to, dead, told } = args;
    return inTransaction(this.database.pool, async (client) => {
      const moved = await client.query(
        `UPDATE audit_sinks SET next = $4, failing_since = NULL
         WHERE name = $1 AND holder = $2 AND next = $3 AND claimed_until > now()`,
        [name, holder, from, to],
      );
      if (moved.rowCount !== 1) return false;
      if (dead.length > 0) {
        await client.query(
          `INSERT INTO audit_dead_letters (sink, index, reason, at)
           SELECT $1, index, reason, now() FROM unnest($2::bigint[], $3::text[]) AS t (index, reason)`,
          [
            name,
            dead.map(({ index }) => index),
            dead.map(({ reason }) => reason.slice(0, REASON_CHARACTERS_MAX)),
          ],
        );
      }
      if (told !== undefined) {
        await client.query(
          `INSERT INTO audit_events SELECT j.* FROM jsonb_populate_record(NULL::audit_events, $1::jsonb) j`,
          [entryOf(told)],
        );
      }
      return true;
    });
  }

  async failing(name: string, holder: string, words: string): Promise<void> {
    await this.database.pool.query(
      `UPDATE audit_sinks SET failing_since = coalesce(failing_since, now()), last_error = $3, last_error_at = now()
       WHERE name = $1 AND holder = $2`,
      [name, holder, words.slice(0, REASON_CHARACTERS_MAX)],
    );
  }

  async release(name: string, holder: string): Promise<void> {
    await this.database.pool.query(
      `UPDATE audit_sinks SET holder = NULL, claimed_until = NULL WHERE name = $1 AND holder = $2`,
      [name, holder],
    );
  }

  async standings(names: readonly string[]): Promise<SinkStanding[]> {
    const { rows } = await this.database.pool.query<{
      name: string;
      next: string;
      lag: string;
      seconds: number;
      dead: string;
      replaying: string;
      failing_since: Date | null;
      last_error: string | null;
      last_error_at: Date | null;
    }>(
      `SELECT n.name, coalesce(s.next, 0) AS next, size.of - coalesce(s.next, 0) AS lag, s.failing_since,
         s.last_error, s.last_error_at,
         coalesce(greatest(extract(epoch FROM now() - oldest.at), 0), 0)::float8 AS seconds,
         letters.dead, letters.replaying
       FROM unnest($1::text[]) AS n (name)
       CROSS JOIN LATERAL (
         SELECT count(*) AS dead, count(d.replay_at) AS replaying FROM audit_dead_letters d
         WHERE d.sink = n.name AND d.taken_at IS NULL
       ) AS letters
       LEFT JOIN audit_sinks s ON s.name = n.name
       CROSS JOIN (SELECT coalesce(max(index) + 1, 0) AS of FROM audit_leaves) AS size
       LEFT JOIN LATERAL (
         SELECT e.at FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
         WHERE l.index = coalesce(s.next, 0)
       ) AS oldest ON true`,
      [names],
    );
    return rows.map((row) => ({
      name: row.name,
      next: Number(row.next),
      lagEvents: Number(row.lag),
      lagSeconds: row.seconds,
      deadLetters: Number(row.dead),
      replaying: Number(row.replaying),
      failingSince: row.failing_since,
      lastError:
        row.last_error === null || row.last_error_at === null
          ? null
          : { words: row.last_error, at: row.last_error_at },
    }));
  }
}
