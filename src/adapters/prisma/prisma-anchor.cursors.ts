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
    // Of replicas that are at it at once, what one wrote is after the other's now().
    const { rows } = await pool.query<{ size: string }>(
      `UPDATE audit_anchors SET claimed_until = now() + make_interval(secs => $3)
       WHERE name = $1
         AND (claimed_until IS NULL OR claimed_until NOT BETWEEN now() AND now() + make_interval(secs => 2 * $3))
         AND (put_at IS NULL OR put_at NOT BETWEEN now() - make_interval(secs => $2) AND now() + make_interval(secs => $3))
       RETURNING size`,
      [name, everySeconds, forSeconds],
    );
    return rows[0] && { size: Number(rows[0].size) };
  }

  async wasPut(name: string, origin: string): Promise<boolean> {
    const { rows } = await this.database.pool.query<{ was: boolean }>(
      `SELECT EXISTS (
         SELECT FROM audit_anchors a JOIN audit_checkpoints c ON c.size <= a.size
         WHERE a.name = $1 AND c.origin = $2
       ) AS was`,
      [name, origin],
    );
    return rows[0]?.was === true;
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

  async lags(of: Parameters<AnchorCursors['lags']>[0]): Promise<AnchorLag[]> {
    const { rows } = await this.database.pool.query<AnchorLag>(
      `WITH head AS (SELECT coalesce(max(size), 0) AS newest FROM audit_checkpoints),
       anchors AS (
         SELECT n.name, newest,
           coalesce(n.holds, CASE WHEN a.size <= newest THEN a.size ELSE 0 END) AS size
         FROM head, unnest($1::text[], $2::bigint[]) AS n (name, holds)
         LEFT JOIN audit_anchors a ON a.name = n.name
       )
       SELECT name, greatest(newest - size, 0)::float AS events,
         greatest(extract(epoch FROM now() - coalesce((
           SELECT signed_at FROM audit_checkpoints c WHERE c.size > anchors.size ORDER BY c.size LIMIT 1
         ), now())), 0)::float AS seconds
       FROM anchors`,
      [of.map(({ name }) => name), of.map(({ holds }) => holds ?? null)],
    );
    return rows;
  }
}
