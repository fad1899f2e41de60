import type { AnchorLag } from '../../app/ports/anchor.js';
import { AnchorCursors } from '../../app/ports/anchor.js';
import type { Database } from './database.js';

/** Cursors in PostgreSQL, by its clock: those of replicas need not agree. */
export class PrismaAnchorCursors extends AnchorCursors {
  constructor(private readonly database: Database) {
    super();
  }

  async claim(
    name: string,
    { everySeconds, forSeconds }: { readonly everySeconds: number; readonly forSeconds: number },
  ): Promise<{ size: number } | undefined> {
    const { pool } = this.database;
    await pool.query('INSERT INTO audit_anchors (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
    const { rows } = await pool.query<{ size: string }>(
      `UPDATE audit_anchors SET claimed_until = now() + make_interval(secs => $3)
       WHERE name = $1
         AND (claimed_until IS NULL OR claimed_until <= now())
         AND (put_at IS NULL OR put_at <= now() - make_interval(secs => $2) OR put_at > now())
       RETURNING size`,
      [name, everySeconds, forSeconds],
    );
    return rows[0] && { size: Number(rows[0].size) };
  }

  async settle(name: string, size: number): Promise<void> {
    await this.database.pool.query(
      'UPDATE audit_anchors SET size = $2, put_at = now(), claimed_until = NULL WHERE name = $1',
      [name, size],
    );
  }

  async release(name: string): Promise<void> {
    await this.database.pool.query(
      'UPDATE audit_anchors SET claimed_until = NULL WHERE name = $1',
      [name],
    );
  }

  async lags(names: readonly string[]): Promise<AnchorLag[]> {
    const { rows } = await this.database.pool.query<AnchorLag>(
      `SELECT name, greatest(newest - coalesce(size, 0), 0)::float AS events,
              greatest(extract(epoch FROM now() - waits_since), 0)::float AS seconds
       FROM (
         SELECT n.name, a.size,
           coalesce((SELECT max(size) FROM audit_checkpoints), 0) AS newest,
           coalesce((
             SELECT signed_at FROM audit_checkpoints c
             WHERE c.size > coalesce(a.size, 0) ORDER BY c.size LIMIT 1
           ), now()) AS waits_since
         FROM unnest($1::text[]) AS n (name) LEFT JOIN audit_anchors a ON a.name = n.name
       ) AS anchors`,
      [names],
    );
    return rows;
  }
}
