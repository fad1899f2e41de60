import { createHash } from 'node:crypto';
import type { ContainerPlace, SeenCall } from '../../app/ports/bypass.store.js';
import { BypassStore } from '../../app/ports/bypass.store.js';
import type { Database } from './database.js';
import { auditColumns } from './session.rows.js';

const TOPIC = 'bypass';

/** What was seen in the audit logs of API servers, in PostgreSQL. */
export class PrismaBypassStore extends BypassStore {
  constructor(private readonly database: Database) {
    super();
  }

  async write({ key, entry, place, added, news }: SeenCall): Promise<boolean> {
    const { rows } = await this.database.pool.query<{ written: number }>(
      `WITH call AS (
         INSERT INTO kubernetes_calls (key, event_id) VALUES (decode($1, 'hex'), $2) ON CONFLICT DO NOTHING RETURNING 1
       ), event AS (
         INSERT INTO audit_events
         SELECT j.* FROM call, jsonb_populate_record(NULL::audit_events, $3::jsonb) j
       ), told AS (
         INSERT INTO outbox (topic, session_id, payload, created_at)
         SELECT '${TOPIC}', $4, $5::jsonb, $6 FROM call WHERE $5::jsonb IS NOT NULL
       ), containers AS (
         INSERT INTO kubernetes_containers (key)
         SELECT decode(hex, 'hex') FROM call, unnest($7::text[]) hex ON CONFLICT DO NOTHING
       )
       SELECT count(*)::int AS written FROM call`,
      [
        key,
        entry.id,
        JSON.stringify(auditColumns({ audit: entry })),
        entry.sessionId,
        news === null ? null : JSON.stringify(news),
        entry.at,
        added.map((name) => containerKey(place, name)),
      ],
    );
    return rows[0]?.written === 1;
  }

  async isAdded(place: ContainerPlace, container: string): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `SELECT FROM kubernetes_containers WHERE key = decode($1, 'hex')`,
      [containerKey(place, container)],
    );
    return rowCount === 1;
  }

  async position(cluster: string, file: string): Promise<number> {
    const { rows } = await this.database.pool.query<{ position: string }>(
      `SELECT position FROM kubernetes_log_cursors WHERE cluster = $1 AND file = decode($2, 'hex')`,
      [cluster, file],
    );
    return Number(rows[0]?.position ?? 0);
  }

  async moveTo(cluster: string, file: string, position: number): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO kubernetes_log_cursors (cluster, file, position) VALUES ($1, decode($2, 'hex'), $3)
       ON CONFLICT (cluster, file) DO UPDATE SET position = EXCLUDED.position`,
      [cluster, file, position],
    );
  }
}

function containerKey({ cluster, namespace, pod }: ContainerPlace, name: string): string {
  return createHash('sha256')
    .update(JSON.stringify([cluster, namespace, pod, name]))
    .digest('hex');
}
