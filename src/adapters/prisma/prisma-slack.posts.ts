import { randomUUID } from 'node:crypto';
import type {
  PostChanges,
  PostKey,
  SlackPost,
  SlackStanding,
  Turn,
} from '../../app/ports/slack.posts.js';
import { POST_KINDS, SlackPosts } from '../../app/ports/slack.posts.js';
import { invariant } from '../../domain/problem.js';
import { parseSessionId } from '../../domain/session/session.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';
import type { SlackPost as Row } from './generated/client.js';

const STATES = ['wanted', 'tried', 'posted', 'gone'] as const;

/** The messages in Slack in PostgreSQL. */
export class PrismaSlackPosts extends SlackPosts {
  constructor(private readonly database: Database) {
    super();
  }

  /** Times are kept by the millisecond, and rounded: half of one later it would not be due yet. */
  async want(id: SessionId): Promise<void> {
    await this.database.pool.query(
      `INSERT INTO slack_turns AS t (session_id, due_at, wanted_at)
       SELECT $1, n, n FROM date_trunc('milliseconds', now()) AS n
       ON CONFLICT (session_id) DO UPDATE SET wanted = t.wanted + 1,
         due_at = coalesce(t.due_at, EXCLUDED.due_at), wanted_at = coalesce(t.wanted_at, EXCLUDED.wanted_at)`,
      [id],
    );
  }

  async claim(replica: string, seconds: number, limit: number): Promise<Turn[]> {
    const { rows } = await this.database.pool.query<TurnRow>(
      `WITH due AS (
         SELECT session_id FROM slack_turns
         WHERE due_at <= now() AND (holder IS NULL OR held_until < now())
         ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
       )
       UPDATE slack_turns t SET holder = $1 || ' ' || gen_random_uuid(), held_until = now() + make_interval(secs => $2)
       FROM due WHERE t.session_id = due.session_id
       RETURNING t.session_id, t.holder, t.wanted, t.failures`,
      [replica, seconds, limit],
    );
    return rows.map(turnOf);
  }

  async keep(turn: Turn, seconds: number): Promise<boolean> {
    const { rowCount } = await this.database.pool.query(
      `UPDATE slack_turns SET held_until = now() + make_interval(secs => $3)
       WHERE session_id = $1 AND holder = $2 AND held_until > now()`,
      [turn.sessionId, turn.holder, seconds],
    );
    return rowCount === 1;
  }

  async release(
    turn: Turn,
    next: 'done' | { readonly inMs: number; readonly failed: boolean },
  ): Promise<void> {
    const later = next === 'done' ? null : next;
    await this.database.pool.query(
      `UPDATE slack_turns SET holder = NULL, held_until = NULL,
         due_at = CASE
           WHEN $4::float8 IS NOT NULL THEN now() + make_interval(secs => $4 / 1000)
           WHEN wanted > $3 THEN date_trunc('milliseconds', now())
         END,
         wanted_at = CASE WHEN $4::float8 IS NOT NULL OR wanted > $3 THEN wanted_at END,
         failures = CASE WHEN $5 THEN failures + 1 ELSE 0 END
       WHERE session_id = $1 AND holder = $2`,
      [turn.sessionId, turn.holder, turn.wanted, later?.inMs ?? null, later?.failed ?? false],
    );
  }

  async of(sessionId: SessionId): Promise<SlackPost[]> {
    const rows = await this.database.prisma.slackPost.findMany({
      where: { sessionId },
      orderBy: [{ at: 'asc' }, { id: 'asc' }],
    });
    return rows.map(postOf);
  }

  async add(sessionId: SessionId, { kind, target, about }: PostKey): Promise<SlackPost> {
    const { slackPost } = this.database.prisma;
    const key = { sessionId, kind, target, about };
    await slackPost.createMany({
      data: [{ id: randomUUID(), ...key, state: 'wanted', at: new Date() }],
      skipDuplicates: true,
    });
    return postOf(
      await slackPost.findUniqueOrThrow({ where: { sessionId_kind_target_about: key } }),
    );
  }

  async change(turn: Turn, id: string, changes: PostChanges): Promise<boolean> {
    const { sessionId, holder } = turn;
    const { slackPost } = this.database.prisma;
    const { count } = await slackPost.updateMany({
      where: { id, session: { slackTurn: { holder } } },
      data: { ...changes },
    });
    if (count === 1) return true;
    await slackPost.update({ where: { id }, data: { digest: null } });
    await this.want(sessionId);
    return false;
  }

  async at(place: {
    readonly channel: string;
    readonly ts: string;
  }): Promise<(SlackPost & { readonly sessionId: SessionId }) | undefined> {
    const { channel, ts } = place;
    const row = await this.database.prisma.slackPost.findFirst({ where: { channel, ts } });
    return row ? { ...postOf(row), sessionId: idOf(row.sessionId) } : undefined;
  }

  async standing(): Promise<SlackStanding> {
    const { rows } = await this.database.pool.query<{ due: string; seconds: number; gone: string }>(
      `SELECT count(*) AS due,
         coalesce(greatest(extract(epoch FROM now() - min(wanted_at)), 0), 0)::float8 AS seconds,
         (SELECT count(*) FROM slack_posts WHERE state = 'gone') AS gone
       FROM slack_turns WHERE due_at IS NOT NULL`,
    );
    const { due = '0', seconds = 0, gone = '0' } = rows[0] ?? {};
    return { due: Number(due), dueSeconds: seconds, gone: Number(gone) };
  }
}

interface TurnRow {
  readonly session_id: string;
  readonly holder: string;
  readonly wanted: string;
  readonly failures: number;
}

function turnOf({ session_id, holder, wanted, failures }: TurnRow): Turn {
  return { sessionId: idOf(session_id), holder, wanted: Number(wanted), failures };
}

function idOf(text: string): SessionId {
  return invariant(parseSessionId(text), 'a turn of no session');
}

function postOf({ sessionId: _, at: __, kind, state, ...rest }: Row): SlackPost {
  return {
    ...rest,
    kind: invariant(
      POST_KINDS.find((known) => known === kind),
      `a message of the kind ${kind}`,
    ),
    state: invariant(
      STATES.find((known) => known === state),
      `a message in the state ${state}`,
    ),
  };
}
