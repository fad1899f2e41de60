import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { SequenceLog } from '../../src/app/sequence-log.js';
import { newSessionId } from '../../src/domain/session/session.js';
import type { Claims } from '../support/glass.lab.js';
import { GlassLab } from '../support/glass.lab.js';
import type { Answer } from '../support/http.api.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { ORIGIN, signerNamed } from '../support/log.lab.js';
import { approvals, policyOf, requirement } from '../support/policies.js';

const HOUR_MS = 3_600_000;
const POLICIES = [
  policyOf('staging', { match: { namespaces: ['staging'] } }),
  policyOf('shop', {
    match: { namespaces: ['shop'] },
    terms: { approvals: approvals(requirement(1, 'payments-leads')) },
  }),
];
const ROBIN: Claims = { sub: 'robin', groups: ['oncall', 'auditors'] };
const KIM: Claims = { sub: 'kim', groups: ['oncall'] };
const ALEX: Claims = { sub: 'alex', groups: ['payments-leads', 'auditors'] };
const AUDREY: Claims = { sub: 'audrey', groups: ['auditors'] };
const AUDITH: Claims = { sub: 'audith', groups: ['auditors'] };

let lab: GlassLab;
let log: SequenceLog;
let service: pg.Client;
/** Robin's in staging, Kim's in staging, Kim's in the shop with Alex's consent. */
let sessions: string[];
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
  service = new pg.Client({ connectionString: lab.fresh.serviceUrl });
  await service.connect();
  log = new SequenceLog({
    store: new PrismaLogStore(lab.database),
    origin: ORIGIN,
    signers: [signerNamed()],
    everyMs: 5,
    clock: lab.clock,
    journal: new MemoryJournal(),
  });
  sessions = [await asked(ROBIN, 'staging'), await asked(KIM, 'staging'), await asked(KIM, 'shop')];
  const shop = `/v1/sessions/${sessions[2]}`;
  const { headers } = await lab.call('readSession', { as: ALEX, path: shop });
  const consent = await lab.call('decideSession', {
    as: ALEX,
    path: `${shop}/decisions`,
    headers: { 'if-match': headers.get('etag') ?? '' },
    body: { verdict: 'approve' },
  });
  expect(consent.status).toBe(200);
  await log.once();
});
afterAll(async () => {
  await service.end();
  await lab[Symbol.asyncDispose]();
});

async function asked(as: Claims, namespace: string): Promise<string> {
  const { body } = await lab.ask(as, {
    namespace,
    breakGlass: false,
    target: { pod: `p-${randomUUID()}` },
  });
  return String(body.id);
}

const due = (hours = 1) => new Date(lab.clock.now().getTime() + hours * HOUR_MS).toISOString();

const open = (over: object, as = AUDREY, headers: Record<string, string> = {}) =>
  lab.call('openAuditReview', {
    as,
    path: '/v1/audit/reviews',
    headers,
    body: { title: 'What was done', dueAt: due(), ...over },
  });

async function opened(over: object): Promise<string> {
  const { status, body } = await open(over);
  expect(status).toBe(201);
  return String(body.id);
}

const read = (id: string, query = '', as = AUDREY) =>
  lab.call('readAuditReview', { as, path: `/v1/audit/reviews/${id}${query}` });

const signOff = (
  id: string,
  session: string | undefined,
  { as = AUDREY, headers = {}, ...word }: { as?: Claims; headers?: Record<string, string>; finding?: string; comment?: string } = {}, // prettier-ignore
) =>
  lab.call('signOffSession', {
    as,
    path: `/v1/audit/reviews/${id}/sessions/${session}`,
    headers,
    body: { finding: 'in-order', comment: 'read the recording', ...word },
  });

const idsOf = ({ body }: Answer): string[] =>
  body.items.map((it: { session: { id: string } }) => it.session.id);
const problemOf = ({ status, body }: Answer) => `${status} ${body.type.split(':').at(-1)}`;

async function events(action: string, review: string) {
  const { rows } = await service.query<{ body: Buffer }>(
    'SELECT body FROM audit_events WHERE action = $1 ORDER BY at, id',
    [action],
  );
  const bodies = rows.map(({ body }) => JSON.parse(body.toString()));
  return bodies.filter((it) => it.data.review === review);
}

describe('a saved review', () => {
  test.each<[string, object, readonly number[]]>([
    ['a filter', { namespace: 'staging' }, [0, 1]],
    ['who asked', { person: 'kim' }, [1, 2]],
    ['who consented', { approver: 'alex' }, [2]],
    ['who consented, and what was asked for by whom', { approver: 'alex', person: 'kim' }, [2]],
    ['nothing that holds of both', { approver: 'alex', namespace: 'staging' }, []],
  ])('is of the sessions that are found by %s', async (_, filter, places) => {
    const answer = await open({ filter });
    if (places.length === 0) {
      expect(problemOf(answer)).toBe('422 invalid-fields');
      expect(answer.body.errors).toEqual([
        { path: '/filter', message: 'finds no session: try it in the search first' },
      ]);
      return;
    }
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/v1/audit/reviews/${answer.body.id}`);
    const page = await read(answer.body.id);
    expect(idsOf(page)).toEqual(places.map((at) => sessions[at]));
    expect(page.body.review).toEqual(answer.body);
    expect(answer.body).toMatchObject({
      filter,
      sessions: places.length,
      signedOff: 0,
      state: 'open',
    });
  });

  test('has the sessions of when it was opened, whatever is found later, and an event names them', async () => {
    const id = await opened({ filter: { namespace: 'staging' } });
    const later = await asked(KIM, 'staging');
    await log.once();
    expect(idsOf(await read(id))).toEqual(sessions.slice(0, 2));
    expect(await events('review.opened', id)).toMatchObject([
      {
        actor: { sub: 'audrey' },
        data: { sessions: 2, of: sessions.slice(0, 2), filter: { namespace: 'staging' } },
      },
    ]);
    const insert =
      'INSERT INTO audit_review_sessions (review_id, session_id, place) VALUES ($1, $2, $3)';
    for (const place of [0, 3])
      await expect(service.query(insert, [id, later, place])).rejects.toThrow(/are fixed/);
    await expect(service.query(insert, [id, later, 2])).rejects.toThrow(/unique/);
  });

  test('is opened once for an Idempotency-Key, and for one request only', async () => {
    const [key, body] = [`"${randomUUID()}"`, { sessions: [sessions[1]], dueAt: due(9) }];
    const first = await open(body, AUDREY, { 'idempotency-key': key });
    const again = await open(body, AUDREY, { 'idempotency-key': key });
    expect([again.status, again.body.id, again.headers.get('idempotency-replayed')]).toEqual([
      201,
      first.body.id,
      'true',
    ]);
    const other = await open({ ...body, title: 'other' }, AUDREY, { 'idempotency-key': key });
    expect(problemOf(other)).toBe('422 idempotency-mismatch');
    const another = await open(body, AUDITH, { 'idempotency-key': key });
    expect(another.body.id).not.toBe(first.body.id);
    expect(await events('review.opened', first.body.id)).toHaveLength(1);
  });

  test.each<[string, () => object, string]>([
    ['of nothing', () => ({}), ''],
    ['of both', () => ({ filter: {}, sessions: [sessions[0]] }), ''],
    ['of no sessions', () => ({ sessions: [] }), '/sessions'],
    ['of what is no session', () => ({ sessions: ['x'] }), '/sessions/0'],
    ['of an unknown session', () => ({ sessions: [sessions[0], newSessionId()] }), '/sessions/1'],
    ['of a filter that is none', () => ({ filter: { color: 'red' } }), '/filter/color'],
    ['due before now', () => ({ filter: {}, dueAt: '2020-01-01T00:00:00Z' }), '/dueAt'],
    ['of too many', () => ({ sessions: Array.from({ length: 1_001 }, newSessionId) }), '/sessions'],
  ])('is refused where it is %s', async (_, over, path) => {
    const answer = await open(over());
    expect(problemOf(answer)).toBe('422 invalid-fields');
    expect(answer.body.errors.map((it: { path: string }) => it.path)).toContain(path);
  });

  test('is read page by page, and what is left of it alone', async () => {
    const id = await opened({ sessions });
    await signOff(id, sessions[1]);
    const first = await read(id, '?limit=2');
    expect(idsOf(first)).toEqual(sessions.slice(0, 2));
    const second = await read(id, `?limit=2&cursor=${first.body.nextCursor}`);
    expect([idsOf(second), second.body.nextCursor]).toEqual([[sessions[2]], null]);
    expect(idsOf(await read(id, '?only=open'))).toEqual([sessions[0], sessions[2]]);
    expect(idsOf(await read(id, '?only=signed-off'))).toEqual([sessions[1]]);
    const foreign = await read(
      await opened({ sessions }),
      `?limit=2&cursor=${first.body.nextCursor}`,
    );
    expect(problemOf(foreign)).toBe('400 invalid-cursor');
  });
});

describe('signing off', () => {
  test('is a word on one session, an event about it, and no other word is lost', async () => {
    const id = await opened({ sessions });
    const first = await signOff(id, sessions[1], { finding: 'concern', comment: 'why root?' });
    expect(first.body).toMatchObject({ signedOff: 1, findings: { concern: 1, 'in-order': 0 } });
    lab.clock.advance(1);
    const second = await signOff(id, sessions[1], { as: AUDITH, comment: 'was allowed' });
    expect(second.body).toMatchObject({ signedOff: 1, findings: { concern: 0, 'in-order': 1 } });
    const { body } = await read(id, '?only=signed-off');
    expect(body.items).toMatchObject([
      {
        signOff: { finding: 'in-order', comment: 'was allowed', by: { sub: 'audith' } },
        earlier: [{ finding: 'concern', comment: 'why root?', by: { sub: 'audrey' } }],
      },
    ]);
    expect(await events('review.signed-off', id)).toMatchObject([
      {
        session: sessions[1],
        target: { namespace: 'staging' },
        data: { finding: 'concern', instead: null },
      },
      {
        session: sessions[1],
        data: { instead: { finding: 'concern', by: 'audrey' }, requester: { sub: 'kim' } },
      },
    ]);
  });

  test('is not for who asked for the session, nor for who had a say in it', async () => {
    const id = await opened({ sessions });
    expect(problemOf(await signOff(id, sessions[0], { as: ROBIN }))).toBe('403 forbidden');
    expect(problemOf(await signOff(id, sessions[2], { as: ALEX }))).toBe('403 forbidden');
    expect((await signOff(id, sessions[0], { as: ALEX })).status).toBe(200);
    const mine = async (as: Claims) =>
      (await read(id, '', as)).body.items.map((it: { maySignOff: boolean }) => it.maySignOff);
    expect(await mine(ROBIN)).toEqual([false, true, true]);
    expect(await mine(ALEX)).toEqual([true, true, false]);
    expect(await mine(AUDREY)).toEqual([true, true, true]);
    expect(await events('review.signed-off', id)).toHaveLength(1);
  });

  test.each<[string, number, string]>([
    ['asked for it', 1, 'kim'],
    ['consented to it', 2, 'alex'],
  ])(
    'is not for another account of who %s, though it was linked afterwards',
    async (_, at, who) => {
      const id = await opened({ sessions });
      const twin: Claims = { sub: `twin-${who}`, groups: ['auditors'] };
      for (const sub of [who, twin['sub'] as string]) {
        const account = { iss: lab.issuer.url, sub, groups: [], human: `human-${who}` };
        await lab.people.seen(account, lab.clock.now());
      }
      expect(problemOf(await signOff(id, sessions[at], { as: twin }))).toBe('403 forbidden');
      expect((await read(id, '', twin)).body.items[at].maySignOff).toBe(false);
      expect((await signOff(id, sessions[0], { as: twin })).status).toBe(200);
    },
  );

  test('of the last session closes the review, once and for all', async () => {
    const id = await opened({ sessions: sessions.slice(0, 2) });
    await signOff(id, sessions[0]);
    const all = await Promise.all(
      [AUDREY, AUDITH, ALEX].map((as) => signOff(id, sessions[1], { as, finding: 'violation' })),
    );
    expect(all.map((it) => it.status).sort()).toEqual([200, 409, 409]);
    const { body } = await read(id);
    expect(body.review).toMatchObject({
      state: 'closed',
      signedOff: 2,
      findings: { 'in-order': 1, concern: 0, violation: 1 },
      closed: { reason: null },
    });
    expect(await events('review.closed', id)).toMatchObject([
      { data: { signedOff: 2, sessions: 2, findings: { violation: 1 }, reason: null } },
    ]);
    expect(await events('review.signed-off', id)).toHaveLength(2);
    expect(problemOf(await signOff(id, sessions[0]))).toBe('409 audit-review-closed');
  });

  test('is done once for an Idempotency-Key, also after it closed the review', async () => {
    const id = await opened({ sessions: [sessions[1]] });
    const headers = { 'idempotency-key': randomUUID() };
    await signOff(id, sessions[1], { headers });
    const again = await signOff(id, sessions[1], { headers });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    const other = await signOff(id, sessions[1], { headers, comment: 'another' });
    expect(problemOf(other)).toBe('422 idempotency-mismatch');
    expect(await events('review.signed-off', id)).toHaveLength(1);
  });

  test('of what is not in the review is refused as what is not there', async () => {
    const id = await opened({ sessions: [sessions[0]] });
    for (const [review, session] of [
      [id, sessions[1]],
      [id, newSessionId()],
      [id, 'x'],
      [randomUUID(), sessions[0]],
      ['x', sessions[0]],
    ] as const)
      expect(problemOf(await signOff(review, session))).toBe('404 not-found');
    const wrong = await signOff(id, sessions[0], { finding: 'well' });
    expect(problemOf(wrong)).toBe('422 invalid-fields');
  });
});

describe('closing', () => {
  const close = (id: string, body: object = { reason: 'out of scope' }) =>
    lab.call('closeAuditReview', { as: AUDREY, path: `/v1/audit/reviews/${id}/close`, body });

  test('by hand takes a reason, which is an event', async () => {
    const id = await opened({ sessions });
    await signOff(id, sessions[0]);
    expect(problemOf(await close(id, {}))).toBe('422 invalid-fields');
    expect((await close(id)).body).toMatchObject({
      state: 'closed',
      signedOff: 1,
      closed: { reason: 'out of scope', by: { sub: 'audrey' } },
    });
    expect(problemOf(await close(id))).toBe('409 audit-review-closed');
    expect(problemOf(await signOff(id, sessions[1]))).toBe('409 audit-review-closed');
    expect(problemOf(await close(randomUUID()))).toBe('404 not-found');
    expect(await events('review.closed', id)).toMatchObject([
      { actor: { sub: 'audrey' }, data: { sessions: 3, signedOff: 1, reason: 'out of scope' } },
    ]);
  });
});

describe('the list of saved reviews', () => {
  const list = async (query: string) => {
    const { body } = await lab.call('listAuditReviews', {
      as: AUDITH,
      path: `/v1/audit/reviews${query}`,
    });
    return body;
  };
  const all = async (state: string, limit: number) => {
    const ids: string[] = [];
    for (let cursor = ''; ;) {
      const { items, nextCursor } = await list(`?state=${state}&limit=${limit}${cursor}`);
      ids.push(...items.map((it: { id: string }) => it.id));
      if (nextCursor === null) return ids;
      cursor = `&cursor=${nextCursor}`;
    }
  };

  test('tells open, overdue and closed ones apart, the soonest due first, page by page', async () => {
    const ids = [
      await opened({ sessions, dueAt: due(3_000) }),
      await opened({ sessions, dueAt: due(1_000) }),
      await opened({ sessions, dueAt: due(2_000) }),
    ];
    const ours = (found: string[]) => found.filter((id) => ids.includes(id));
    expect(ours(await all('open', 2))).toEqual([ids[1], ids[2], ids[0]]);
    lab.clock.advance(1_000 * 3_600);
    expect(ours(await all('overdue', 2))).toEqual([ids[1]]);
    expect((await read(ids[1] ?? '')).body.review).toMatchObject({ overdue: true, state: 'open' });
    for (const id of ids)
      await lab.call('closeAuditReview', {
        as: AUDREY,
        path: `/v1/audit/reviews/${id}/close`,
        body: { reason: 'r' },
      });
    expect(ours(await all('closed', 2))).toEqual([ids[0], ids[2], ids[1]]);
    expect([...(await all('open', 200)), ...(await all('overdue', 200))]).not.toContain(ids[1]);
  });
});

describe('others than auditors', () => {
  test('cannot tell a saved review from one that is not there', async () => {
    const id = await opened({ sessions });
    const tries = async (review: string) => [
      await read(review, '', KIM),
      await signOff(review, sessions[0], { as: KIM }),
      await lab.call('closeAuditReview', {
        as: KIM,
        path: `/v1/audit/reviews/${review}/close`,
        body: { reason: 'r' },
      }),
    ];
    const plain = (answers: Answer[]) =>
      answers.map(({ status, body }) => ({ status, ...body, instance: '' }));
    const theirs = plain(await tries(id));
    expect(theirs.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(plain(await tries(randomUUID()))).toEqual(theirs);
    expect((await open({ sessions }, KIM)).status).toBe(403);
  });
});

describe('in the database', () => {
  test('nothing of a review can be changed or taken back by the service', async () => {
    const id = await opened({ sessions: [sessions[1]] });
    await signOff(id, sessions[1]);
    const tables = ['audit_review_findings', 'audit_review_closings', 'audit_review_sessions'];
    for (const sql of [
      "UPDATE audit_reviews SET due_at = now() + interval '1 year' WHERE id = $1",
      "UPDATE audit_review_findings SET finding = 'violation' WHERE review_id = $1",
      ...tables.map((table) => `DELETE FROM ${table} WHERE review_id = $1`),
    ])
      await expect(service.query(sql, [id])).rejects.toThrow(/permission denied/);
  });

  test('no word is taken of who asked for the session or had a say in it, nor after the end', async () => {
    const id = await opened({ sessions });
    const insert = `INSERT INTO audit_review_findings (review_id, session_id, iss, sub, person, finding, comment, at)
      VALUES ($1, $2, $3, $4, '{}', 'in-order', 'c', now())`;
    const { url } = lab.issuer;
    for (const [session, sub] of [
      [sessions[0], 'robin'],
      [sessions[2], 'alex'],
    ])
      await expect(service.query(insert, [id, session, url, sub])).rejects.toThrow(/no part in it/);
    await lab.call('closeAuditReview', {
      as: AUDREY,
      path: `/v1/audit/reviews/${id}/close`,
      body: { reason: 'r' },
    });
    await expect(service.query(insert, [id, sessions[0], url, 'audrey'])).rejects.toThrow(/closed/);
  });
});
