import { Incidents } from '../../app/ports/incidents.js';
import type { IncidentNews } from '../../contract/news.schema.js';
import type { Database } from './database.js';

/** Incidents in PostgreSQL: the mark and its news in one statement. */
export class PrismaIncidents extends Incidents {
  constructor(private readonly database: Database) {
    super();
  }

  async begin(news: IncidentNews, sessionId: string | null): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `WITH mark AS (
         INSERT INTO incidents (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
       )
       INSERT INTO outbox (topic, session_id, payload, created_at)
       SELECT 'incident', $2, $3::jsonb, now() FROM mark`,
      [news.incident, sessionId, JSON.stringify(news)],
    );
    return rowCount === 1;
  }

  async end(news: IncidentNews): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `WITH mark AS (DELETE FROM incidents WHERE key = $1 RETURNING 1)
       INSERT INTO outbox (topic, payload, created_at)
       SELECT 'incident', $2::jsonb, now() FROM mark`,
      [news.incident, JSON.stringify(news)],
    );
    return rowCount === 1;
  }

  async keep(key: string): Promise<void> {
    await this.database.pool.query(`UPDATE incidents SET seen_at = now() WHERE key = $1`, [key]);
  }

  async endUnseen(
    prefix: string,
    seconds: number,
    news: Omit<IncidentNews, 'incident'>,
  ): Promise<readonly string[]> {
    const { rows } = await this.database.pool.query<{ key: string }>(
      `WITH mark AS (
         DELETE FROM incidents
         WHERE starts_with(key, $1) AND seen_at < now() - make_interval(secs => $2)
         RETURNING key
       ), told AS (
         INSERT INTO outbox (topic, payload, created_at)
         SELECT 'incident', $3::jsonb || jsonb_build_object('incident', key), now() FROM mark
       )
       SELECT key FROM mark`,
      [prefix, seconds, JSON.stringify(news)],
    );
    return rows.map(({ key }) => key);
  }
}
