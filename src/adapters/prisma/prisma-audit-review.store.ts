import type pg from 'pg';
import { otherRequest } from '../../app/open-audit-review.js';
import { AuditReviewStore } from '../../app/ports/audit-review.store.js';
import { noReview, notInReview, ownSession, reviewClosed } from '../../app/sign-off-session.js';
import type { Person } from '../../domain/person.js';
import type { Problem } from '../../domain/problem.js';
import { invariant, problem } from '../../domain/problem.js';
import type {
  AuditReview,
  ReviewClosing,
  ReviewedSession,
} from '../../domain/review/audit-review.js';
import type { Session, SessionId } from '../../domain/session/session.js';
import type { ReviewRow, WordRow } from './audit-review.sql.js';
import {
  eventValues,
  INSERT_EVENT,
  involvedSql,
  IS_INVOLVED,
  reviewOf,
  reviewsSql,
  wordOf,
} from './audit-review.sql.js';
import type { Database } from './database.js';
import type { SessionRow } from './session.rows.js';
import { sessionOf } from './session.rows.js';
import { SESSION_COLUMNS } from './session.sql.js';
import { inTransaction } from './transaction.js';

/** Words on one session that are shown at most: the latest. */
const WORDS_MAX = 20;
const UNIQUE_VIOLATION = '23505';

type Args<K extends 'open' | 'list' | 'sessions' | 'signOff' | 'close'> = Parameters<
  AuditReviewStore[K]
>[0];

/** Saved reviews in PostgreSQL, where this role can add and read and nothing else. */
export class PrismaAuditReviewStore extends AuditReviewStore {
  constructor(private readonly database: Database) {
    super();
  }

  find(id: string): Promise<AuditReview | undefined> {
    return reviewById(this.database.pool, id);
  }

  async findByKey({ iss, sub }: Pick<Person, 'iss' | 'sub'>, key: string) {
    const { rows } = await this.database.pool.query<ReviewRow>(
      reviewsSql('WHERE r.iss = $1 AND r.sub = $2 AND r.key = $3'),
      [iss, sub, key],
    );
    const [row] = rows;
    return row && { review: reviewOf(row), requestHash: row.request_hash ?? '' };
  }

  async known(ids: readonly SessionId[]): Promise<SessionId[]> {
    const { rows } = await this.database.pool.query<{ id: string }>(
      `SELECT s.id FROM unnest($1::text[]) WITH ORDINALITY a (id, n) JOIN sessions s USING (id) ORDER BY a.n`,
      [ids],
    );
    return rows.map(({ id }) => id as SessionId);
  }

  async open({ review, sessions, key, audit }: Args<'open'>): Promise<AuditReview | Problem> {
    const { id, title, filter, openedBy, at, dueAt } = review;
    const { iss, sub } = openedBy;
    const [idempotencyKey, requestHash] = [key?.key ?? null, key?.requestHash ?? null];
    try {
      return await inTransaction(this.database.pool, async (client) => {
        await client.query(
          `INSERT INTO audit_reviews (id, title, filter, sessions, iss, sub, person, due_at, at, key, request_hash)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
          [id, title, filter, sessions.length, iss, sub, openedBy, dueAt, at, idempotencyKey, requestHash], // prettier-ignore
        );
        const { rowCount } = await client.query(
          `INSERT INTO audit_review_sessions (review_id, session_id, place)
           SELECT $1, a.id, a.n FROM unnest($2::text[]) WITH ORDINALITY a (id, n)`,
          [id, sessions],
        );
        if (rowCount !== sessions.length) throw new Error(`a review of ${rowCount} sessions`);
        await client.query(INSERT_EVENT, eventValues(audit));
        return invariant(await reviewById(client, id), `a review that is not there: ${id}`);
      });
    } catch (cause) {
      if (!isUniqueViolation(cause)) throw cause;
      return problem('write-conflict', 'The same was asked for at the same moment. Try again.', {
        cause,
      });
    }
  }

  async list({ state, now, after, limit }: Args<'list'>): Promise<AuditReview[]> {
    const which = {
      open: 'c.review_id IS NULL',
      overdue: 'c.review_id IS NULL AND r.due_at <= $1',
      closed: 'c.review_id IS NOT NULL',
    }[state];
    const [beyond, order] = state === 'closed' ? ['<', 'DESC'] : ['>', 'ASC'];
    const { rows } = await this.database.pool.query<ReviewRow>(
      `${reviewsSql(`
        WHERE $1::timestamptz IS NOT NULL AND ${which}
          AND ($3::uuid IS NULL OR (r.due_at, r.id) ${beyond} ($2::timestamptz, $3::uuid))
        ORDER BY r.due_at ${order}, r.id ${order} LIMIT $4`)}
       ORDER BY r.due_at ${order}, r.id ${order}`,
      [now, after?.dueAt ?? null, after?.id ?? null, limit],
    );
    return rows.map(reviewOf);
  }

  async sessions(args: Args<'sessions'>): Promise<ReviewedSession<Session>[]> {
    const { id, person, only, after = 0, limit } = args;
    const isOne = only !== undefined && only !== 'open' && only !== 'signed-off';
    const { rows } = await this.database.pool.query<
      SessionRow & { place: number; words: WordRow[]; involved: boolean }
    >(
      `${involvedSql(['$5', '$6', '$7'])}
       SELECT q.place, q.words, q.involved, s.* FROM (
         SELECT i.session_id, i.place, coalesce(w.words, '[]') AS words, ${IS_INVOLVED} AS involved
         FROM audit_review_sessions i JOIN sessions s ON s.id = i.session_id
         LEFT JOIN LATERAL (
           SELECT jsonb_agg(to_jsonb(f) ORDER BY f.seq) AS words FROM (
             SELECT seq, person, finding, comment, at FROM audit_review_findings
             WHERE review_id = i.review_id AND session_id = i.session_id ORDER BY seq DESC LIMIT ${WORDS_MAX}
           ) f
         ) w ON true
         WHERE i.review_id = $1 AND i.place > $2
           AND ($4::text IS NULL OR ($4 = 'open') = (w.words IS NULL)) AND ($8::text IS NULL OR i.session_id = $8)
         ORDER BY i.place LIMIT $3
       ) q JOIN (SELECT ${SESSION_COLUMNS.sql} FROM sessions) s ON s.id = q.session_id ORDER BY q.place`,
      [
        id,
        after,
        limit,
        isOne ? null : (only ?? null),
        person.iss,
        person.sub,
        person.human ?? null,
        isOne ? only : null,
      ],
    );
    return rows.map(({ place, words, involved, ...row }) => ({
      session: sessionOf(row),
      place,
      words: words.map(wordOf),
      isTheirs: involved,
    }));
  }

  async signOff(act: Args<'signOff'>) {
    const { id, session, word, key } = act;
    const { person, finding, comment, at } = word;
    return inTransaction(this.database.pool, async (client) => {
      await lockReview(client, id);
      const review = await reviewById(client, id);
      if (!review) return noReview(id);
      const same = key && (await hashOfKey(client, act));
      if (same !== undefined)
        return same === key?.requestHash ? { review, already: true } : otherRequest();
      if (review.closing) return reviewClosed(id);

      const part = await partIn(client, act);
      if (part === undefined) return notInReview(id, session);
      if (part.involved) return ownSession();

      await client.query(
        `INSERT INTO audit_review_findings (review_id, session_id, iss, sub, person, finding, comment, at, key, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [id, session, person.iss, person.sub, person, finding, comment, at, key?.key ?? null, key?.requestHash ?? null], // prettier-ignore
      );
      await client.query(INSERT_EVENT, eventValues(act.audit(part.before)));
      const tally = invariant(await reviewById(client, id), `a review that is gone: ${id}`);
      if (tally.signedOff < tally.sessions) return { review: tally, already: false };
      const closing = { person, reason: null, at };
      await writeClosing(client, { id, closing });
      await client.query(INSERT_EVENT, eventValues(act.closed(tally)));
      return { review: { ...tally, closing }, already: false };
    });
  }

  async close({ id, closing, audit }: Args<'close'>): Promise<AuditReview | Problem> {
    return inTransaction(this.database.pool, async (client) => {
      await lockReview(client, id);
      const review = await reviewById(client, id);
      if (!review) return noReview(id);
      if (review.closing) return reviewClosed(id);
      await writeClosing(client, { id, closing });
      await client.query(INSERT_EVENT, eventValues(audit(review)));
      return { ...review, closing };
    });
  }
}

async function reviewById(
  db: pg.Pool | pg.PoolClient,
  id: string,
): Promise<AuditReview | undefined> {
  const { rows } = await db.query<ReviewRow>(reviewsSql('WHERE r.id = $1'), [id]);
  return rows[0] && reviewOf(rows[0]);
}

/** Till the end of the transaction. The rows cannot be locked by who may not change them. */
async function lockReview(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
    `audit-review ${id}`,
  ]);
}

async function hashOfKey(
  client: pg.PoolClient,
  { id, session, word, key }: Args<'signOff'>,
): Promise<string | undefined> {
  const { rows } = await client.query<{ request_hash: string }>(
    `SELECT request_hash FROM audit_review_findings
     WHERE review_id = $1 AND session_id = $2 AND iss = $3 AND sub = $4 AND key = $5`,
    [id, session, word.person.iss, word.person.sub, key?.key],
  );
  return rows[0]?.request_hash;
}

/** Whether they had a part in this session of the review, and what was said of it last; undefined where it is not in it. */
async function partIn(client: pg.PoolClient, { id, session, word: { person } }: Args<'signOff'>) {
  const { rows } = await client.query<{ involved: boolean; before: WordRow | null }>(
    `${involvedSql(['$3', '$4', '$5'])}
     SELECT ${IS_INVOLVED} AS involved, (
       SELECT to_jsonb(f) FROM audit_review_findings f
       WHERE f.review_id = i.review_id AND f.session_id = i.session_id ORDER BY seq DESC LIMIT 1
     ) AS before
     FROM audit_review_sessions i JOIN sessions s ON s.id = i.session_id WHERE i.review_id = $1 AND i.session_id = $2`,
    [id, session, person.iss, person.sub, person.human ?? null],
  );
  const [row] = rows;
  return row && { involved: row.involved, before: row.before && wordOf(row.before) };
}

async function writeClosing(
  client: pg.PoolClient,
  { id, closing: { person, reason, at } }: { readonly id: string; readonly closing: ReviewClosing },
): Promise<void> {
  await client.query(
    'INSERT INTO audit_review_closings (review_id, iss, sub, person, reason, at) VALUES ($1, $2, $3, $4, $5, $6)',
    [id, person.iss, person.sub, person, reason, at],
  );
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
}
