import { SessionStore } from '../../app/ports/session.store.js';
import type {
  Claimed,
  Cursor,
  DecisionRecord,
  Guard,
  IdempotencyKey,
  Lease,
  Likeness,
  Room,
  SessionFilter,
  Step,
  StepRecord,
  Visibility,
} from '../../app/ports/session.store.js';
import { namesOf } from '../../domain/person.js';
import { newsOf } from '../../app/step-news.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { Consent, Session, SessionId } from '../../domain/session/session.js';
import { claimDue, nextDue } from './claim.sql.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import {
  auditColumns,
  consentOf,
  debtColumns,
  decisionColumns,
  decisionOf,
  eventColumns,
  likenessOf,
  sessionColumns,
  sessionOf,
  stepRecordOf,
} from './session.rows.js';
import type { SessionRow, WordRow } from './session.rows.js';
import {
  SESSION_COLUMNS,
  insertSession,
  lockCounted,
  updateSession,
  writeOnce,
} from './session.sql.js';
import type { Written } from './session.sql.js';

/** Sessions in PostgreSQL. */
export class PrismaSessionStore extends SessionStore {
  /** @param told of each step that was written, after its commit. */
  constructor(
    private readonly database: Database,
    private readonly told: (step: Step) => void = () => undefined,
  ) {
    super();
  }

  async write(step: Step): Promise<Session | Problem> {
    const { session } = step;
    const row = JSON.stringify(sessionColumns(session, step.dueAt));
    const statement = writeOnce({
      session: step.from === 'new' ? insertSession(row, step.guard) : updateSession(row, step),
      event: JSON.stringify(eventColumns(step)),
      audit: JSON.stringify(auditColumns(step)),
      decision: step.decision ? JSON.stringify(decisionColumns(step.decision, session.id)) : null,
      key: step.idempotency ? JSON.stringify(keyColumns(step.idempotency, step)) : null,
      debt: step.debt ? JSON.stringify(debtColumns(step.debt, session)) : null,
      news: JSON.stringify(newsOf(step)),
    });
    let written: Written | undefined;
    try {
      [written] = await this.run(session, step.guard, statement);
    } catch (error) {
      // Somebody else wrote the same step, consent or key in the same moment.
      if (isUniqueViolation(error)) return conflict(session.id, error);
      throw error;
    }
    if (written?.sessions === 0) return conflict(session.id);
    const expected = {
      decisions: step.decision ? 1 : 0,
      keys: step.idempotency ? 1 : 0,
      debts: step.debt ? 1 : 0,
    };
    if (
      written?.sessions !== 1 ||
      written.events !== 1 ||
      written.audits !== 1 ||
      written.news !== 1 ||
      written.decisions !== expected.decisions ||
      written.keys !== expected.keys ||
      written.debts !== expected.debts
    ) {
      throw new Error(`invariant broken: a step wrote ${JSON.stringify(written)} rows`);
    }
    this.told(step);
    return session;
  }

  /** Where a guard counts, those who count the same wait for each other first. */
  private async run(
    session: Session,
    guard: Guard | undefined,
    statement: Prisma.Sql,
  ): Promise<Written[]> {
    const { prisma } = this.database;
    const counts = guard !== undefined && (guard.perPerson !== null || guard.perPod !== null);
    if (!counts) return prisma.$queryRaw<Written[]>(statement);
    const [, written] = await prisma.$transaction([
      prisma.$queryRaw(lockCounted(session)),
      prisma.$queryRaw<Written[]>(statement),
    ]);
    return written;
  }

  async findAlike(likeness: Likeness): Promise<Session | undefined> {
    const { requester, request } = likeness;
    const like = likenessOf(likeness);
    const row = await this.database.prisma.session.findFirst({
      where: {
        requesterIss: requester.iss,
        requesterSub: requester.sub,
        cluster: request.cluster,
        namespace: request.namespace,
        targetContainer: like.target_container,
        profile: like.profile,
        breakGlass: like.break_glass,
        state: { in: ['pending', 'approved', 'starting', 'active'] },
        OR: [
          { targetKey: like.target_key },
          ...(like.pod_uid === null ? [] : [{ podUid: like.pod_uid }]),
        ],
      },
      orderBy: { createdAt: 'desc' },
    });
    return row ? sessionOf(row) : undefined;
  }

  async find(id: SessionId): Promise<Session | undefined> {
    const row = await this.database.prisma.session.findUnique({ where: { id } });
    return row ? sessionOf(row) : undefined;
  }

  async versions(ids: readonly SessionId[]): Promise<ReadonlyMap<SessionId, number>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database.prisma.$queryRaw<{ id: SessionId; version: number }[]>`
      SELECT id, version FROM sessions WHERE id = ANY(${ids}::text[])`;
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  async findByKey(key: Omit<IdempotencyKey, 'requestHash'>) {
    const row = await this.database.prisma.idempotencyKey.findUnique({
      where: { iss_sub_key: { iss: key.iss, sub: key.sub, key: key.key } },
      include: { session: true },
    });
    return row ? { session: sessionOf(row.session), requestHash: row.requestHash } : undefined;
  }

  async consents(id: SessionId): Promise<Consent[]> {
    // By versions, not times: replicas' clocks may differ, and the order says which consents stand.
    const rows = await this.database.prisma.$queryRaw<WordRow[]>`
      SELECT d.person, d.verdict, d.comment, d.at, p.person AS now
      FROM decisions d LEFT JOIN people p USING (iss, sub)
      WHERE d.session_id = ${id} AND d.by = 'person' ORDER BY d.seen_version`;
    return rows.map(consentOf);
  }

  async decisions(id: SessionId): Promise<DecisionRecord[]> {
    const rows = await this.database.prisma.decision.findMany({
      where: { sessionId: id },
      orderBy: [{ seenVersion: { sort: 'asc', nulls: 'first' } }, { at: 'asc' }],
    });
    return rows.map(decisionOf);
  }

  async steps(id: SessionId, after: number): Promise<StepRecord[]> {
    const rows = await this.database.prisma.sessionEvent.findMany({
      where: { sessionId: id, seq: { gt: after } },
      orderBy: { seq: 'asc' },
      take: 1_000,
    });
    return rows.map(stepRecordOf);
  }

  async list(args: {
    visibility: Visibility;
    filter: SessionFilter;
    after?: Cursor;
    limit: number;
  }): Promise<Session[]> {
    const { filter, after } = args;
    const rows = await this.database.prisma.session.findMany({
      where: {
        AND: [
          visible(args.visibility),
          after
            ? {
                OR: [
                  { createdAt: { lt: after.createdAt } },
                  { createdAt: after.createdAt, id: { lt: after.id } },
                ],
              }
            : {},
          filter.states ? { state: { in: [...filter.states] } } : {},
          filter.cluster === undefined ? {} : { cluster: filter.cluster },
          filter.namespace === undefined ? {} : { namespace: filter.namespace },
          filter.breakGlass === undefined ? {} : { breakGlass: filter.breakGlass },
          filter.requester
            ? { requesterIss: filter.requester.iss, requesterSub: filter.requester.sub }
            : {},
        ],
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: args.limit,
    });
    return rows.map(sessionOf);
  }

  async claim(lease: Lease, room: Room): Promise<Claimed[]> {
    const rows = await this.database.prisma.$queryRaw<(SessionRow & Pick<Claimed, 'isEnd'>)[]>(
      claimDue(lease, room),
    );
    return rows.map((row) => ({ session: sessionOf(row), isEnd: row.isEnd }));
  }

  async renew(id: SessionId, lease: Lease): Promise<Session | undefined> {
    const rows = await this.database.prisma.$queryRaw<SessionRow[]>`
      UPDATE sessions SET lease_until = now() + make_interval(secs => ${lease.seconds}::int)
      WHERE id = ${id} AND lease_owner = ${lease.owner}
      RETURNING ${SESSION_COLUMNS}`;
    return rows[0] ? sessionOf(rows[0]) : undefined;
  }

  async release(args: {
    id: SessionId;
    owner: string;
    dueAt: Date | null;
    version: number;
  }): Promise<void> {
    await this.database.prisma.$executeRaw`
      UPDATE sessions SET lease_owner = NULL, lease_until = NULL,
        due_at = CASE WHEN version = ${args.version}::int THEN greatest(${args.dueAt}::timestamptz, CASE WHEN ${args.dueAt}::timestamptz IS NOT NULL THEN now() + interval '250 ms' END) ELSE due_at END
      WHERE id = ${args.id} AND lease_owner = ${args.owner}`;
  }

  async nextDueInMs(room?: Room): Promise<number | null> {
    const [row] = await this.database.prisma.$queryRaw<{ ms: number | null }[]>(nextDue(room));
    return row?.ms ?? null;
  }
}

function visible(visibility: Visibility): Prisma.SessionWhereInput {
  if (visibility.kind === 'all') return {};
  const { person } = visibility;
  return {
    OR: [
      { requesterIss: person.iss, requesterSub: person.sub },
      { approverGroups: { hasSome: [...person.groups] } },
      { approverUsers: { hasSome: [...namesOf(person)] } },
    ],
  };
}

function keyColumns(key: IdempotencyKey, step: Step): Record<string, unknown> {
  return {
    iss: key.iss,
    sub: key.sub,
    key: key.key,
    request_hash: key.requestHash,
    session_id: step.session.id,
    created_at: step.at,
  };
}

function conflict(id: SessionId, cause?: unknown): Problem {
  return problem(
    'write-conflict',
    `The session ${id} was changed by somebody else at the same moment. Try again.`,
    {
      cause,
    },
  );
}

function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Prisma.PrismaClientKnownRequestError &&
    (error.code === 'P2002' || JSON.stringify(error.meta ?? null).includes('23505'))
  );
}
