import { tally } from '../../src/adapters/prisma/prisma-tally.js';
import { LogNotifier } from '../../src/adapters/log/log.notifier.js';
import { MemoryJournal } from '../support/in-memory.ports.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/http.api.js';
import type { Claims } from '../support/glass.lab.js';
import { GlassLab } from '../support/glass.lab.js';
import { approvals, policyOf, requirement } from '../support/policies.js';

const REVIEW = { groups: ['payments-leads'], users: ['casey'], withinSeconds: 3_600 };
const NO_SIGN_IN = { acr: [], amr: [], maxAgeSeconds: null };

/** `payments`, `bank` and `vault` offer to break the glass: the first by a strong sign-in, `bank` at its team's risk. */
const POLICIES = [
  policyOf('payments', {
    match: { namespaces: ['payments'] },
    terms: {
      approvals: approvals(requirement(1, 'payments-leads')),
      recording: 'best-effort',
      breakGlass: {
        signIn: { acr: ['gold', 'platinum'], amr: ['hwk'], maxAgeSeconds: 900 },
        review: REVIEW,
        debt: { of: 'person' },
      },
    },
  }),
  policyOf('bank', {
    match: { namespaces: ['bank'] },
    terms: {
      breakGlass: { signIn: NO_SIGN_IN, review: REVIEW, debt: { of: 'team', team: 'bank' } },
    },
  }),
  policyOf('vault', {
    match: { namespaces: ['vault'] },
    terms: { breakGlass: { signIn: NO_SIGN_IN, review: REVIEW, debt: { of: 'person' } } },
  }),
  policyOf('staging', { match: { namespaces: ['staging'] } }),
];

let lab: GlassLab;
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
});
afterAll(() => lab[Symbol.asyncDispose]());

let people = 0;
/** Somebody on call whom no other test knows, signed in as strongly as `payments` asks. */
function someone(over: object = {}): Claims & { sub: string } {
  const seconds = Math.floor(lab.clock.now().getTime() / 1000);
  return {
    sub: `oncall-${people++}`,
    groups: ['oncall'],
    acr: 'gold',
    amr: ['pwd', 'hwk'],
    auth_time: seconds,
    ...over,
  };
}
const LEAD = { sub: 'alex', groups: ['payments-leads'] };
const OTHER_LEAD = { sub: 'sam', groups: ['payments-leads'] };
const STRANGER = { sub: 'stan', groups: ['other-leads'] };
const AUDITOR = { sub: 'audrey', groups: ['auditors'] };
const ADMIN = { sub: 'ada', groups: ['admins'] };

const problemOf = ({ status, body }: Answer) => `${status} ${String(body?.type).split(':').at(-1)}`;
const read = (id: string, as: Claims, headers = {}) =>
  lab.call('readSession', { as, path: `/v1/sessions/${id}`, headers });
const list = (as: Claims, query = '') =>
  lab.call('listReviews', { as, path: `/v1/reviews${query}` });
const idsOf = ({ body }: Answer): string[] =>
  body.items.map(({ session }: { session: { id: string } }) => session.id);

describe('breaking the glass', () => {
  test('lets in at once, on a strict record, and leaves a debt that everybody who sees it can read', async () => {
    const robin = someone();
    const { status, body } = await lab.ask(robin);
    expect({ status, ...body }).toMatchObject({
      status: 201,
      state: 'approved',
      breakGlass: true,
      approvals: { needed: 0 },
      review: {
        dueAt: new Date(lab.clock.now().getTime() + 3_600_000).toISOString(),
        overdue: false,
        mayReview: false,
        finding: null,
        reviewer: null,
      },
    });
    const stored = await lab.store.find(body.id);
    expect(stored?.grant?.terms.recording).toBe('strict');
    for (const who of [LEAD, AUDITOR]) {
      expect((await read(body.id, who)).body).toMatchObject({ review: { mayReview: false } });
    }
  });

  test('is told at once, as a warning that names whom to tell', async () => {
    const robin = someone();
    const { body } = await lab.ask(robin);
    const journal = new MemoryJournal();
    const notifier = new LogNotifier(journal);
    // Other tests leave news of theirs.
    while ((await lab.outbox.deliver(100, (news) => notifier.tell(news))) === 100);
    const told = journal.lines.filter(
      ({ level, facts }) => level === 'warn' && JSON.stringify(facts).includes(body.id),
    );
    expect(told).toMatchObject([
      {
        message: 'the glass was broken',
        facts: {
          session: body.id,
          who: { sub: robin['sub'] },
          rule: 'payments',
          reviewDueAt: new Date(lab.clock.now().getTime() + 3_600_000).toISOString(),
        },
      },
    ]);
    expect(JSON.stringify(told[0]?.facts)).toContain('payments-leads');
  });

  test.each<[string, object, string[]]>([
    [
      'of another class',
      { acr: 'silver' },
      ['of class gold or platinum (acr; yours is silver)', 'acr_values="gold platinum"'],
    ],
    ['of no class', { acr: undefined }, ['of class gold or platinum (acr; yours has none)']],
    ['without the method', { amr: ['pwd'] }, ['by hwk (amr)']],
    ['of unknown age', { auth_time: undefined }, ['(auth_time; yours has none)', 'max_age=900']],
  ])('is refused to a token of a sign-in %s, with what to sign in by', async (_, weaker, says) => {
    const { status, body } = await lab.ask(someone(weaker));
    expect({ status, state: body.state, review: body.review }).toEqual({
      status: 201,
      state: 'denied',
      review: null,
    });
    for (const words of says) expect(body.policy.explanation.join(' ')).toContain(words);
  });

  test('takes a sign-in up to its last second, and none after', async () => {
    const robin = someone();
    const at = Number(robin['auth_time']);
    expect((await lab.ask({ ...robin, auth_time: at - 901 })).body).toMatchObject({
      state: 'denied',
      policy: { explanation: [expect.stringContaining('yours was 901 seconds ago')] },
    });
    expect((await lab.ask({ ...robin, auth_time: at - 900 })).body.state).toBe('approved');
  });

  test('marks the session in lists, which can be asked for those alone', async () => {
    const robin = someone();
    const broken = await lab.broken(robin, { namespace: 'vault' });
    const plain = String(
      (await lab.ask(robin, { namespace: 'staging', breakGlass: false })).body.id,
    );
    const listed = async (query: string) => {
      const path = `/v1/sessions?mine=true${query}`;
      const { body } = await lab.call('listSessions', { as: robin, path });
      return body.items.map((it: { id: string; breakGlass: boolean }) => [it.id, it.breakGlass]);
    };
    expect(await listed('&breakGlass=true')).toEqual([[broken, true]]);
    expect(await listed('&breakGlass=false')).toEqual([[plain, false]]);
    expect(await listed('')).toHaveLength(2);
  });

  test('marks every step of the session, in its stream and in the audit log', async () => {
    const robin = someone();
    const id = await lab.broken(robin, { namespace: 'vault' });
    const { text } = await lab.call('streamSessionEvents', {
      as: robin,
      path: `/v1/sessions/${id}/events`,
    });
    expect(text.match(/"breakGlass":true/g)).toHaveLength(2);
    await lab.review(LEAD, id);
    const { body } = await lab.call('listAuditEvents', {
      as: AUDITOR,
      path: `/v1/audit/events?session=${id}`,
    });
    expect(
      body.items
        .map((it: { action: string; body: object }) => [
          it.action,
          'breakGlass' in it.body && it.body.breakGlass,
        ])
        .sort(),
    ).toEqual([
      ['session.break-glass', true],
      ['session.review', true],
      ['session.withdraw', true],
    ]);
  });
});

describe('a review', () => {
  test('is given once, by a person whom the terms name, and is in the session and in the audit log', async () => {
    const robin = someone();
    const id = await lab.broken(robin);
    expect((await read(id, LEAD)).body.review).toMatchObject({ mayReview: true });
    const { status, body, headers } = await lab.review(LEAD, id, {
      finding: 'avoidable',
      comment: 'sam was up',
    });
    expect({ status, review: body.review, etag: headers.get('etag') }).toMatchObject({
      status: 200,
      etag: '"2"',
      review: {
        finding: 'avoidable',
        comment: 'sam was up',
        reviewer: { sub: 'alex' },
        at: lab.clock.now().toISOString(),
        mayReview: false,
      },
    });
    expect(problemOf(await lab.review(OTHER_LEAD, id))).toBe('409 already-reviewed');
    const audit = await lab.call('listAuditEvents', {
      as: AUDITOR,
      path: `/v1/audit/events?session=${id}&action=session.review`,
    });
    expect(audit.body.items).toHaveLength(1);
    expect(audit.body.items[0].body).toMatchObject({
      actor: { sub: 'alex' },
      data: { finding: 'avoidable', comment: 'sam was up', overdue: false },
    });
  });

  test('of two people at once is given by one of them', async () => {
    const id = await lab.broken(someone());
    const answers = await Promise.all(
      [LEAD, OTHER_LEAD, AUDITOR, { sub: 'casey', groups: ['other-leads'] }].map((who) =>
        lab.review(who, id),
      ),
    );
    expect(answers.map(problemOf).sort()).toEqual([
      '200 undefined',
      '409 already-reviewed',
      '409 already-reviewed',
      '409 already-reviewed',
    ]);
    const audit = await lab.call('listAuditEvents', {
      as: AUDITOR,
      path: `/v1/audit/events?session=${id}&action=session.review`,
    });
    expect(audit.body.items).toHaveLength(1);
  });

  test('is not given by who broke the glass, whatever groups they are in', async () => {
    const robin = someone({ groups: ['oncall', 'payments-leads', 'auditors'] });
    const id = await lab.broken(robin);
    expect((await read(id, robin)).body.review.mayReview).toBe(false);
    const answer = await lab.review(robin, id);
    expect(problemOf(answer)).toBe('403 forbidden');
    expect(answer.body.detail).toContain('somebody else must review it');
  });

  test('is for those whom the terms name and for auditors: an admin sees it, a stranger nothing', async () => {
    const id = await lab.broken(someone());
    expect(problemOf(await lab.review(STRANGER, id))).toBe('404 not-found');
    const adminAndLead = { ...ADMIN, groups: ['admins', 'other-leads'] };
    const refused = await lab.review(adminAndLead, id);
    expect(problemOf(refused)).toBe('403 forbidden');
    expect(refused.body.detail).toContain('Only payments-leads or casey and auditors');
    expect((await lab.review(AUDITOR, id)).status).toBe(200);
  });

  test('waits until the session has ended', async () => {
    const { body } = await lab.ask(someone());
    const answer = await lab.review(LEAD, body.id);
    expect(problemOf(answer)).toBe('409 illegal-transition');
    expect(answer.body.detail).toContain('once it has ended');
  });

  test('is not owed where nobody broke the glass', async () => {
    const { body } = await lab.ask(someone(), { namespace: 'payments', breakGlass: false });
    expect({ state: body.state, review: body.review }).toEqual({ state: 'pending', review: null });
    expect(problemOf(await lab.review(LEAD, body.id))).toBe('409 illegal-transition');
    const denied = await lab.ask(someone(), { namespace: 'elsewhere' });
    expect(problemOf(await lab.review(AUDITOR, denied.body.id))).toBe('409 illegal-transition');
  });

  test.each<[string, object, string]>([
    ['without a comment', { comment: undefined }, '/comment'],
    ['with an empty comment', { comment: '  ' }, '/comment'],
    ['with a finding that is none', { finding: 'fine' }, '/finding'],
  ])('%s is refused, by the name of the field', async (_, over, path) => {
    const { status, body } = await lab.review(LEAD, await lab.broken(someone()), over);
    expect({ status, paths: body.errors.map((it: { path: string }) => it.path) }).toEqual({
      status: 422,
      paths: [path],
    });
  });

  test('is seen by whoever reads the session again with the ETag that they have', async () => {
    const robin = someone();
    const id = await lab.broken(robin);
    await lab.review(LEAD, id);
    const again = await read(id, robin, { 'if-none-match': '"2"' });
    expect([again.status, again.body?.review.finding]).toEqual([200, 'justified']);
  });
});

describe('an overdue review', () => {
  const HOUR = 3_600;

  test('keeps its person from the next break-glass until somebody has reviewed it', async () => {
    const robin = someone();
    const id = await lab.broken(robin, { namespace: 'vault' });
    expect((await lab.ask(robin, { namespace: 'vault' })).body.state).toBe('approved');
    lab.clock.advance(HOUR);
    const refused = (await lab.ask(robin, { namespace: 'vault', target: { pod: 'other' } })).body;
    expect(refused.state).toBe('denied');
    expect(refused.policy.explanation.join(' ')).toMatch(
      /the reviews of 2 earlier break-glass sessions are overdue of yours: have them reviewed first/,
    );
    // The first of them runs still: it has to end before it can be reviewed.
    const [open = ''] = idsOf(await list(robin, '?state=overdue')).filter((it) => it !== id);
    await lab.call('endSession', { as: robin, path: `/v1/sessions/${open}/end`, body: {} });
    await lab.review(LEAD, open);
    const one = (await lab.ask(robin, { namespace: 'vault', target: { pod: 'other' } })).body;
    expect(one.policy.explanation.join(' ')).toContain('the review of 1 earlier');
    await lab.review(LEAD, id, { finding: 'misuse' });
    const next = await lab.ask(robin, { namespace: 'vault', target: { pod: 'other' } });
    expect(next.body.state).toBe('approved');
  });

  test('keeps nobody else from it, and not its person from what needs no break-glass', async () => {
    const robin = someone();
    await lab.broken(robin, { namespace: 'vault' });
    lab.clock.advance(HOUR);
    expect((await lab.ask(someone(), { namespace: 'vault' })).body.state).toBe('approved');
    const plain = await lab.ask(robin, { namespace: 'staging', breakGlass: false });
    expect(plain.body.state).toBe('approved');
  });

  test.each<[string, string]>([
    ['vault', 'a person'],
    ['bank', 'a team'],
  ])(
    'keeps another account from it in %s, at the risk of %s, that was found to be the same human’s since',
    async (namespace) => {
      const [robin, admin] = [someone(), someone()];
      const id = await lab.broken(robin, { namespace });
      lab.clock.advance(HOUR);
      for (const { sub } of [robin, admin]) {
        const linked = { iss: lab.issuer.url, sub, groups: ['oncall'], human: robin.sub };
        await lab.people.seen(linked, lab.clock.now());
      }
      const refused = (await lab.ask(admin, { namespace })).body;
      expect(refused.state).toBe('denied');
      expect(refused.policy.explanation.join(' ')).toContain('overdue of yours');
      await lab.review(LEAD, id);
      await lab.review(LEAD, await lab.broken(admin, { namespace }));
    },
  );

  test('keeps the whole team from it where the terms say so', async () => {
    const [robin, kim] = [someone(), someone()];
    const id = await lab.broken(robin, { namespace: 'bank' });
    lab.clock.advance(HOUR);
    const refused = (await lab.ask(kim, { namespace: 'bank' })).body;
    expect(refused.state).toBe('denied');
    expect(refused.policy.explanation.join(' ')).toContain('overdue in the team bank');
    expect((await lab.ask(kim, { namespace: 'vault' })).body.state).toBe('approved');
    await lab.review(AUDITOR, id);
    expect((await lab.ask(kim, { namespace: 'bank' })).body.state).toBe('approved');
  });

  test('is so from the second at which it was due', async () => {
    const robin = someone();
    await lab.broken(robin, { namespace: 'vault' });
    lab.clock.advance(HOUR - 1);
    expect(idsOf(await list(robin, '?state=overdue'))).toEqual([]);
    lab.clock.advance(1);
    expect(idsOf(await list(robin, '?state=overdue'))).toHaveLength(1);
  });
});

describe('the list of reviews', () => {
  test('shows people what they owe and what they may review, auditors and admins all', async () => {
    const robin = someone();
    const id = await lab.broken(robin, { namespace: 'vault' });
    expect(idsOf(await list(robin))).toEqual([id]);
    for (const who of [LEAD, { sub: 'casey', groups: ['other-leads'] }, AUDITOR, ADMIN]) {
      expect(idsOf(await list(who, '?limit=200'))).toContain(id);
    }
    expect(idsOf(await list(STRANGER))).toEqual([]);
    expect(problemOf(await list({ sub: 'nobody', groups: [] }))).toBe('403 forbidden');
  });

  test('tells open, overdue and done ones apart, and counts them for metrics', async () => {
    const robin = someone();
    const [late, done] = [
      await lab.broken(robin, { namespace: 'vault' }),
      await lab.broken(robin, { namespace: 'vault', target: { pod: 'two' } }),
    ];
    await lab.review(LEAD, done);
    const before = await lab.reviews.counts(lab.clock.now());
    lab.clock.advance(3_600);
    const fresh = await lab.broken(someone(), { namespace: 'vault' });
    const of = async (state: string) => idsOf(await list(AUDITOR, `?state=${state}&limit=200`));
    expect(await of('overdue')).toContain(late);
    expect(await of('overdue')).not.toContain(fresh);
    expect(await of('open')).toEqual(expect.arrayContaining([late, fresh]));
    expect(await of('open')).not.toContain(done);
    expect(await of('done')).toContain(done);
    const after = await lab.reviews.counts(lab.clock.now());
    expect(after.open).toBe(before.open + 1);
    expect(after.overdue).toBe((await of('overdue')).length);
    expect(await tally(lab.database, lab.clock.now())).toMatchObject({
      reviewsOpen: after.open,
      reviewsOverdue: after.overdue,
    });
    expect((await list(AUDITOR, '?state=late')).status).toBe(400);
  });

  test('is read page by page, soonest due first, the done ones latest first', async () => {
    const ids: string[] = [];
    const owners = [someone(), someone(), someone()];
    for (const owner of owners) {
      ids.push(await lab.broken(owner, { namespace: 'vault' }));
      lab.clock.advance(1);
    }
    const pages = async (state: string) => {
      const seen: string[] = [];
      let path = `?state=${state}&limit=2`;
      for (;;) {
        const page = await list(LEAD, path);
        seen.push(...idsOf(page));
        if (page.body.nextCursor === null) return seen.filter((id) => ids.includes(id));
        expect(page.headers.get('link')).toContain('rel="next"');
        path = `?state=${state}&limit=2&cursor=${page.body.nextCursor}`;
      }
    };
    expect(await pages('open')).toEqual(ids);
    for (const id of ids) await lab.review(LEAD, id);
    expect(await pages('open')).toEqual([]);
    expect(await pages('done')).toEqual(ids.toReversed());
    const { body } = await list(LEAD, '?state=done&limit=1');
    expect(problemOf(await list(LEAD, `?state=open&cursor=${body.nextCursor}`))).toBe(
      '400 invalid-cursor',
    );
  });
});
