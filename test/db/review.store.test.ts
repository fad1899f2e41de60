import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogNotifier } from '../../src/adapters/log/log.notifier.js';
import type { Caller } from '../../src/app/caller.js';
import type { News } from '../../src/app/ports/outbox.js';
import { ReadReviews } from '../../src/app/read-reviews.js';
import { ReviewSession } from '../../src/app/review-session.js';
import { firstStep, stepOf } from '../../src/app/session-step.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { Person } from '../../src/domain/person.js';
import type { Grant, Terms } from '../../src/domain/policy/policy.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { GlassLab } from '../support/glass.lab.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { TERMS, requirement } from '../support/policies.js';
import { ALEX, PROFILE, ROBIN, SAM, actorOf, newSession } from '../support/sessions.js';

const WORD = { finding: 'justified', comment: 'orders were stuck' } as const;

const BROKEN: Terms = {
  ...TERMS,
  approvals: {
    require: [requirement(1, 'payments-leads'), { count: 1, groups: [], users: ['casey'] }],
    commentRequired: false,
    escalation: { afterSeconds: 60, groups: ['managers', 'payments-leads'], users: [] },
  },
  breakGlass: {
    signIn: { acr: [], amr: [], maxAgeSeconds: null },
    review: { groups: ['security'], users: ['casey', 'dana'], withinSeconds: 60 },
    debt: { of: 'person' },
  },
};

let lab: GlassLab;
let service: pg.Client;
beforeAll(async () => {
  lab = await GlassLab.start([]);
  service = new pg.Client({ connectionString: lab.fresh.serviceUrl });
  await service.connect();
});
afterAll(async () => {
  await service.end();
  await lab[Symbol.asyncDispose]();
});

/** A session for which the glass was broken, as its first step leaves it. */
async function broken(requester: Person = ROBIN): Promise<Session> {
  const grant: Grant = {
    policyHash: lab.set.hash,
    rule: 'emergency',
    profile: PROFILE,
    terms: BROKEN,
    breakGlass: true,
  };
  const session = newSession({ grant, requester });
  const at = lab.clock.now();
  const step = firstStep({
    session: {
      ...session,
      request: {
        ...session.request,
        breakGlass: true,
        ticket: 'INC-1',
        target: { kind: 'pod', name: session.id },
      },
      pin: { podName: session.id, podUid: session.id, nodeName: 'node-1' },
    },
    event: 'break-glass',
    capacities: ['requester'],
    actor: actorOf(requester),
    at,
  });
  return written({ ...step, debt: { team: null, dueAt: new Date(at.getTime() + 60_000) } });
}

async function ended(session: Session): Promise<Session> {
  return written(
    stepOf({
      session,
      event: 'withdraw',
      capacities: ['requester'],
      actor: actorOf(session.requester),
      at: lab.clock.now(),
      changes: { endReason: 'withdrawn', lapsesAt: null },
    }),
  );
}

async function written(step: Parameters<typeof lab.store.write>[0]): Promise<Session> {
  const result = await lab.store.write(step);
  if (isProblem(result)) throw new Error(result.detail, { cause: result.cause });
  return result;
}

const callerOf = (person: Person): Caller => ({
  actor: actorOf(person),
  roles: ['requester', 'approver'],
});
const countOf = async (sql: string, id: string): Promise<number> => {
  const { rows } = await service.query<{ n: number }>(`SELECT count(*)::int AS n ${sql}`, [id]);
  return rows[0]?.n ?? -1;
};
const CASEY: Person = { iss: ROBIN.iss, sub: 'casey', groups: [] };

describe('a review in the database', () => {
  const act = (session: Session, person: Person) => {
    const at = lab.clock.now();
    const review = { person, ...WORD, at };
    const actor = actorOf(person);
    const audit = auditEntry({ at, action: 'session.review', outcome: 'success', actor, session });
    return lab.reviews.write({ sessionId: session.id, review, audit });
  };

  test('is read as it was written, with one audit entry and one piece of news', async () => {
    const session = await ended(await broken());
    expect(await lab.reviews.find(session.id)).toMatchObject({ review: null });
    const owed = await act(session, ALEX);
    expect(owed).toEqual({
      sessionId: session.id,
      debtor: { iss: ROBIN.iss, sub: ROBIN.sub },
      team: null,
      dueAt: new Date(lab.clock.now().getTime() + 60_000),
      review: { person: ALEX, ...WORD, at: lab.clock.now() },
    });
    expect(await lab.reviews.find(session.id)).toEqual(owed);
    expect(
      await countOf(
        "FROM audit_events WHERE action = 'session.review' AND session_id = $1",
        session.id,
      ),
    ).toBe(1);
    expect(
      await countOf("FROM outbox WHERE topic = 'review' AND session_id = $1", session.id),
    ).toBe(1);
  });

  test('of twenty written at once is one, with one trail', async () => {
    const session = await ended(await broken());
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => act(session, { ...SAM, sub: `sam-${n}` })),
    );
    expect(outcomes.filter((it) => !isProblem(it))).toHaveLength(1);
    expect(
      outcomes.filter((it) => isProblem(it) && it.problem === 'already-reviewed'),
    ).toHaveLength(19);
    expect(
      await countOf(
        "FROM audit_events WHERE action = 'session.review' AND session_id = $1",
        session.id,
      ),
    ).toBe(1);
    expect(
      await countOf("FROM outbox WHERE topic = 'review' AND session_id = $1", session.id),
    ).toBe(1);
  });

  test('by who broke the glass is refused by the table itself, and nothing is left of it', async () => {
    const session = await ended(await broken());
    expect(await act(session, ROBIN)).toMatchObject({ problem: 'forbidden' });
    const own = `INSERT INTO reviews (session_id, debtor_iss, debtor_sub, iss, sub, person, finding, comment, at)
      VALUES ($1, $2, $3, $2, $3, '{}', 'justified', 'c', now())`;
    await expect(service.query(own, [session.id, ROBIN.iss, ROBIN.sub])).rejects.toThrow(
      /reviews_by_another/,
    );
    // Not by another debtor's name either: the debt says whose it is.
    const insert = `INSERT INTO reviews (session_id, debtor_iss, debtor_sub, iss, sub, person, finding, comment, at)
      VALUES ($1, $2, 'somebody', $2, $3, '{}', 'justified', 'c', now())`;
    await expect(service.query(insert, [session.id, ROBIN.iss, ROBIN.sub])).rejects.toThrow(
      /reviews_session_id_debtor/,
    );
    expect(await lab.reviews.find(session.id)).toMatchObject({ review: null });
    expect(
      await countOf(
        "FROM audit_events WHERE action = 'session.review' AND session_id = $1",
        session.id,
      ),
    ).toBe(0);
  });

  test('by another account of the same human is written nowhere', async () => {
    const session = await ended(await broken({ ...ROBIN, human: 'robin' }));
    expect(await act(session, { ...ALEX, human: 'robin' })).toMatchObject({ problem: 'forbidden' });
    expect(await lab.reviews.find(session.id)).toMatchObject({ review: null });
  });

  test('of a session that owes none is a bug', async () => {
    await expect(act(newSession(), ALEX)).rejects.toThrow(/a review of nothing/);
  });

  test('stays as it was written, and so does the debt', async () => {
    const session = await ended(await broken());
    await act(session, ALEX);
    for (const sql of [
      "UPDATE reviews SET finding = 'misuse' WHERE session_id = $1",
      'DELETE FROM reviews WHERE session_id = $1',
      'UPDATE review_debts SET due_at = now() WHERE session_id = $1',
      'DELETE FROM review_debts WHERE session_id = $1',
    ]) {
      await expect(service.query(sql, [session.id])).rejects.toThrow(/permission denied/);
    }
  });
});

describe('one human with two accounts', () => {
  const ROBIN_AT_WORK = { ...ROBIN, sub: 'robin-1', human: 'robin' };
  const ROBIN_AS_LEAD = { ...ROBIN, sub: 'casey', human: 'robin' };

  test('does not review their own break-glass by the other, and is told that it is theirs', async () => {
    const session = await ended(await broken(ROBIN_AT_WORK));
    const reviewing = new ReviewSession(lab);
    expect(await reviewing.review(callerOf(ROBIN_AS_LEAD), session.id, WORD)).toMatchObject({
      problem: 'forbidden',
      detail: expect.stringContaining('yourself') as string,
    });
    const reading = new ReadReviews(lab);
    const { items } = await reading.page(callerOf(ROBIN_AS_LEAD), { state: 'open', limit: 50 });
    const mine = items.find((it) => it.session.id === session.id);
    expect(mine?.review.mayReview).toBe(false);
    expect(await reviewing.review(callerOf(CASEY), session.id, WORD)).toMatchObject({
      id: session.id,
    });
  });
});

describe('one human whose two accounts are found to be theirs later', () => {
  const ROBIN_NOW = { ...ROBIN, sub: 'robin-2', human: 'robin-found' };
  const CASEY_NOW = { ...ROBIN, sub: 'casey', human: 'robin-found' };

  test('does not review their own break-glass by the other', async () => {
    const { human: _, ...then } = ROBIN_NOW;
    const session = await ended(await broken(then));
    await lab.people.seen(ROBIN_NOW, new Date());
    expect(
      await new ReviewSession(lab).review(callerOf(CASEY_NOW), session.id, WORD),
    ).toMatchObject({
      problem: 'forbidden',
      detail: expect.stringContaining('yourself') as string,
    });
  });

  test('does not by an older token of the other, which does not tell yet', async () => {
    const session = await ended(await broken({ ...ROBIN_NOW, sub: 'robin-3' }));
    const { human: _, ...older } = { ...CASEY_NOW, sub: 'casey-3', groups: ['security'] };
    await lab.people.seen({ ...older, human: 'robin-found' }, new Date());
    expect(await new ReviewSession(lab).review(callerOf(older), session.id, WORD)).toMatchObject({
      problem: 'forbidden',
      detail: expect.stringContaining('yourself') as string,
    });
  });

  test('is refused by the database too, in words and not by an error', async () => {
    const session = await ended(await broken({ ...ROBIN_NOW, sub: 'robin-4' }));
    const at = lab.clock.now();
    for (const person of [CASEY_NOW, { ...ROBIN_NOW, sub: 'robin-4' }]) {
      const actor = actorOf(person);
      const entry = { at, action: 'session.review', outcome: 'success', actor, session } as const;
      const written = await lab.reviews.write({
        sessionId: session.id,
        review: { person, ...WORD, at },
        audit: auditEntry(entry),
      });
      expect(written).toMatchObject({ problem: 'forbidden' });
    }
  });
});

describe('the news of broken glass', () => {
  /** The news of one session, by way of a notifier that fails the first `failures` times. */
  async function told(
    session: Session,
    failures = 0,
  ): Promise<{ seen: News[]; log: MemoryJournal }> {
    const [seen, log]: [News[], MemoryJournal] = [[], new MemoryJournal()];
    const notifier = new LogNotifier(log);
    for (let left = failures; ;) {
      const delivered = await lab.outbox
        .deliver(500, async (news) => {
          if (news.sessionId !== session.id) return;
          seen.push(news);
          await notifier.tell(news);
          if (left-- > 0) throw new Error('the channel broke after it was told');
        })
        .catch(() => -1);
      if (delivered === 0) return { seen, log };
    }
  }

  test('says all that a notifier needs: who, where, why, by which rule, and whom to tell', async () => {
    const session = await broken();
    const { log } = await told(session);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'the glass was broken',
        facts: {
          session: session.id,
          seq: 1,
          who: {
            iss: ROBIN.iss,
            sub: 'robin',
            name: 'Robin Requester',
            email: 'robin@example.com',
          },
          target: {
            cluster: 'sandbox',
            namespace: 'staging',
            pod: session.id,
            container: null,
          },
          profile: 'shell',
          durationSeconds: 600,
          rule: 'emergency',
          reason: 'the pool is exhausted',
          ticket: 'INC-1',
          tell: { groups: ['payments-leads', 'managers', 'security'], users: ['casey', 'dana'] },
          reviewDueAt: new Date(lab.clock.now().getTime() + 60_000).toISOString(),
        },
      },
    ]);
  });

  test('comes again where telling failed, and is then known by its session and step as the same', async () => {
    const { seen, log } = await told(await broken(), 2);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
    const [first, ...again] = log.lines;
    expect(again).toEqual([first, first]);
  });

  test('is told of no other step, though each says that the glass was broken', async () => {
    const { log } = await told(await ended(await broken()));
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(log.lines[1]?.facts).toMatchObject({ news: { event: 'withdraw', breakGlass: true } });
  });
});

describe('what was granted behind broken glass', () => {
  test('stays as it was granted, whatever set is in force later', async () => {
    const session = await broken();
    await service.query(
      `INSERT INTO policy_sets (hash, documents) VALUES (repeat('0', 64), '{"files":[]}');`,
    );
    await service.query(
      `INSERT INTO policy_activations (hash, replica, at) VALUES (repeat('0', 64), 'test', now())`,
    );
    const later = await ended(session);
    expect((await lab.store.find(later.id))?.grant).toEqual(session.grant);
    const forge = `UPDATE sessions SET "grant" = jsonb_set("grant", '{terms,recording}', '"best-effort"') WHERE id = $1`;
    await expect(service.query(forge, [session.id])).rejects.toThrow(/permission denied/);
  });
});
