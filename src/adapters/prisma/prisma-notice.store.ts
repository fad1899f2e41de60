import type { Notice } from '../../app/ports/channel.js';
import type { ChannelStanding, NewNotice } from '../../app/ports/notice.store.js';
import { NoticeStore } from '../../app/ports/notice.store.js';
import { NoticeBody } from '../../contract/notice.schema.js';
import type { NoticeKind } from '../../domain/notice/notice.kinds.js';
import { NOTICE_KINDS } from '../../domain/notice/notice.kinds.js';
import type { Database } from './database.js';
import { inTransaction } from './transaction.js';

/** So many failures in a row are an outage: when it is over, all that wait are due. */
const OUTAGE_FAILURES = 3;

interface NoticeRow {
  readonly id: string;
  readonly kind: NoticeKind;
  readonly thread: string;
  readonly alarm: string | null;
  readonly closes: string[];
  readonly body: unknown;
}

/** Notices in PostgreSQL, by its clock. */
export class PrismaNoticeStore extends NoticeStore {
  constructor(private readonly database: Database) {
    super();
  }

  async add(notices: readonly NewNotice[]): Promise<void> {
    for (const { newsId, channel, kind, thread, alarm, closes, body, onlyClosing } of notices) {
      await this.database.pool.query(
        `INSERT INTO notices (news_id, channel, kind, thread, alarm, closes, body)
         SELECT $1::bigint, $2::text, $3, $4, $5, $6::text[], $7::jsonb
         WHERE NOT $8::boolean OR EXISTS (
           SELECT FROM notices n WHERE n.channel = $2 AND n.alarm = ANY ($6::text[])
         )
         ON CONFLICT (news_id, channel) DO NOTHING`,
        [newsId, channel, kind, thread, alarm, [...closes], JSON.stringify(body), onlyClosing],
      );
    }
  }

  async meet(channel: string, fingerprint: string): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO notice_channels AS c (name, fingerprint) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET
         fingerprint = excluded.fingerprint, disabled_at = NULL, resume_at = NULL, failures = 0,
         failing_since = NULL, last_error = NULL
         WHERE c.fingerprint IS DISTINCT FROM excluded.fingerprint`,
      [channel, fingerprint],
    );
  }

  /** Looks before it claims, so that where nothing waits nothing is written. */
  async claim(channel: string, holder: string, seconds: number): Promise<Notice | undefined> {
    if (!(await this.due(channel))) return undefined;
    const { rowCount } = await this.database.pool.query(
      `INSERT INTO notice_channels AS c (name, holder, claimed_until)
       VALUES ($1, $2, now() + make_interval(secs => $3))
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, claimed_until = excluded.claimed_until
         WHERE (c.holder IS NULL OR c.holder = excluded.holder OR c.claimed_until < now())
           AND c.disabled_at IS NULL AND (c.resume_at IS NULL OR c.resume_at <= now())`,
      [channel, holder, seconds],
    );
    return rowCount === 1 ? this.due(channel) : undefined;
  }

  async delivered(channel: string, id: bigint): Promise<void> {
    await inTransaction(this.database.pool, async (client) => {
      await client.query(
        `UPDATE notices SET state = 'delivered', done_at = now() WHERE id = $1 AND state = 'waiting'`,
        [id],
      );
      const { rows } = await client.query<{ failures: number }>(
        `UPDATE notice_channels c SET failures = 0, failing_since = NULL, last_error = NULL,
           resume_at = NULL, delivered_at = now()
         FROM (SELECT name, failures FROM notice_channels WHERE name = $1 FOR UPDATE) AS before
         WHERE c.name = before.name RETURNING before.failures`,
        [channel],
      );
      if ((rows[0]?.failures ?? 0) < OUTAGE_FAILURES) return;
      await client.query(
        `UPDATE notices SET due_at = now() WHERE channel = $1 AND state = 'waiting' AND due_at > now()`,
        [channel],
      );
    });
  }

  async bury(_channel: string, id: bigint, reason: string): Promise<void> {
    await this.database.pool.query(
      `UPDATE notices SET state = 'dead', done_at = now(), reason = $2 WHERE id = $1 AND state = 'waiting'`,
      [id, reason],
    );
  }

  async failed(
    channel: string,
    id: bigint,
    error: string,
  ): Promise<{ channel: number; notice: number }> {
    const { rows } = await this.database.pool.query<{ channel: number; notice: number }>(
      `WITH n AS (
         UPDATE notices SET attempts = attempts + 1 WHERE id = $2 AND state = 'waiting' RETURNING attempts
       ), c AS (
         UPDATE notice_channels SET failures = failures + 1, last_error = $3,
           failing_since = coalesce(failing_since, now())
         WHERE name = $1 RETURNING failures
       )
       SELECT coalesce((SELECT failures FROM c), 1) AS channel, coalesce((SELECT attempts FROM n), 1) AS notice`,
      [channel, id, error],
    );
    return rows[0] ?? { channel: 1, notice: 1 };
  }

  async postpone(
    channel: string,
    id: bigint,
    { channelMs, noticeMs }: { readonly channelMs: number; readonly noticeMs: number },
  ): Promise<void> {
    await this.database.pool.query(
      `WITH n AS (
         UPDATE notices SET due_at = now() + make_interval(secs => $4) WHERE id = $2 AND state = 'waiting'
       )
       UPDATE notice_channels SET resume_at = now() + make_interval(secs => $3) WHERE name = $1`,
      [channel, id, channelMs / 1000, noticeMs / 1000],
    );
  }

  async disable(channel: string, reason: string): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE notice_channels SET disabled_at = now(), last_error = $2,
         failing_since = coalesce(failing_since, now())
       WHERE name = $1 AND disabled_at IS NULL`,
      [channel, reason],
    );
    return rowCount === 1;
  }

  async release(channel: string, holder: string): Promise<void> {
    await this.database.pool.query(
      `UPDATE notice_channels SET holder = NULL, claimed_until = NULL WHERE name = $1 AND holder = $2`,
      [channel, holder],
    );
  }

  async giveUp(seconds: number, reason: string): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.database.pool.query<{ channel: string; count: number }>(
      `WITH given AS (
         UPDATE notices SET state = 'dead', done_at = now(), reason = $2
         WHERE state = 'waiting' AND created_at < now() - make_interval(secs => $1) RETURNING channel
       )
       SELECT channel, count(*)::int AS count FROM given GROUP BY channel`,
      [seconds, reason],
    );
    return new Map(rows.map(({ channel, count }) => [channel, count]));
  }

  async sweep(seconds: number): Promise<void> {
    await this.database.pool.query(
      `DELETE FROM notices WHERE done_at < now() - make_interval(secs => $1)`,
      [seconds],
    );
  }

  async standings(names: readonly string[]): Promise<ChannelStanding[]> {
    const { rows } = await this.database.pool.query<ChannelStanding>(
      `SELECT n.name, w.waiting, w.seconds AS "oldestSeconds",
         (SELECT count(*)::int FROM notices d WHERE d.channel = n.name AND d.state = 'dead') AS dead,
         c.failing_since AS "failingSince", c.last_error AS "lastError",
         c.disabled_at AS "disabledAt", c.delivered_at AS "deliveredAt"
       FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place)
       LEFT JOIN notice_channels c ON c.name = n.name
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS waiting,
           coalesce(greatest(extract(epoch FROM now() - min(created_at)), 0), 0)::float8 AS seconds
         FROM notices WHERE channel = n.name AND state = 'waiting'
       ) AS w ORDER BY n.place`,
      [names],
    );
    return rows;
  }

  private async due(channel: string): Promise<Notice | undefined> {
    const { rows } = await this.database.pool.query<NoticeRow>(
      `SELECT id, kind, thread, alarm, closes, body FROM notices n
       WHERE channel = $1 AND state = 'waiting' AND due_at <= now() AND kind = ANY ($2) AND NOT EXISTS (
         SELECT FROM notices e
         WHERE e.channel = n.channel AND e.thread = n.thread AND e.state = 'waiting' AND e.id < n.id
       ) ORDER BY id LIMIT 1`,
      // Kinds of a later version are for its replicas.
      [channel, Object.keys(NOTICE_KINDS)],
    );
    return rows[0] && noticeOfRow(rows[0]);
  }
}

function noticeOfRow({ id, body, ...row }: NoticeRow): Notice {
  return { ...row, id: BigInt(id), body: NoticeBody.parse(body) };
}
