import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BreakGlassReportView } from '../../src/contract/break-glass-report.schema.js';
import type { Claims } from '../support/glass.lab.js';
import { GlassLab } from '../support/glass.lab.js';
import { policyOf } from '../support/policies.js';

const HOUR_MS = 3_600_000;
const POLICIES = [
  policyOf('vault', {
    match: { namespaces: ['vault'] },
    terms: {
      breakGlass: {
        signIn: { acr: [], amr: [], maxAgeSeconds: null },
        review: { groups: ['payments-leads'], users: [], withinSeconds: 3_600 },
        debt: { of: 'person' },
      },
    },
  }),
  policyOf('staging', { match: { namespaces: ['staging'] } }),
];
const ROBIN: Claims = { sub: 'robin', email: 'robin@example.com', groups: ['oncall'] };
const KIM: Claims = { sub: '=kim()', groups: ['oncall'] };
const LEAD: Claims = { sub: 'alex', groups: ['payments-leads'] };
const AUDREY: Claims = { sub: 'audrey', groups: ['auditors'] };

let lab: GlassLab;
let begun: Date;
/** Reviewed, overdue, owed: an hour apart, the last one now. */
let ids: string[];
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
  begun = lab.clock.now();
  const reviewed = await lab.broken(ROBIN, { namespace: 'vault', ticket: 'INC-1' });
  await lab.review(LEAD, reviewed, { finding: 'avoidable', comment: 'ask, next time' });
  lab.clock.advance(3_600);
  const late = await lab.broken(KIM, { namespace: 'vault', reason: '=HYPERLINK("x")\nand, more' });
  lab.clock.advance(3_600);
  ids = [reviewed, late, await lab.broken(ROBIN, { namespace: 'vault', target: { pod: 'two' } })];
  await lab.ask(ROBIN, { namespace: 'staging', breakGlass: false });
  lab.clock.advance(1);
});
afterAll(() => lab[Symbol.asyncDispose]());

const ask = (query = '', headers: Record<string, string> = {}, as = AUDREY) =>
  lab.call('reportBreakGlass', { as, path: `/v1/audit/reports/break-glass${query}`, headers });

async function report(query = '') {
  const { status, body } = await ask(query);
  expect(status).toBe(200);
  return BreakGlassReportView.parse(body);
}
const found = async (query: string) => (await report(query)).items.map(({ session }) => session);

describe('the break-glass report', () => {
  test('tells by name who broke the glass, where, why, and how its review stands', async () => {
    const { from, until, items, overdue } = await report();
    expect(Date.parse(until) - Date.parse(from)).toBe(183 * 24 * HOUR_MS);
    expect(items.map(({ session }) => session)).toEqual(ids.toReversed());
    expect(items[2]).toMatchObject({
      at: begun.toISOString(),
      who: { sub: 'robin', email: 'robin@example.com' },
      issuer: lab.issuer.url,
      namespace: 'vault',
      rule: 'vault',
      ticket: 'INC-1',
      state: 'ended',
      review: {
        state: 'done',
        finding: 'avoidable',
        comment: 'ask, next time',
        reviewer: { sub: 'alex' },
      },
    });
    expect(items.map(({ review }) => review.state)).toEqual(['owed', 'overdue', 'done']);
    expect(overdue).toEqual({ breakGlass: 1, auditReviews: [] });
  });

  test.each<[string, readonly number[]]>([
    ['?review=overdue', [1]],
    ['?review=owed', [2, 1]],
    ['?review=done', [0]],
  ])('with %s is of those alone', async (query, places) => {
    expect(await found(query)).toEqual(places.map((at) => ids[at]));
  });

  test('is of the time that is asked for, and of all times where a review is lacking', async () => {
    const [second, third] = [1, 2].map((hours) =>
      new Date(begun.getTime() + hours * HOUR_MS).toISOString(),
    );
    expect(await found(`?from=${second}`)).toEqual([ids[2], ids[1]]);
    expect(await found(`?until=${third}`)).toEqual([ids[1], ids[0]]);
    lab.clock.advance(200 * 24 * 3_600);
    expect(await found('')).toEqual([]);
    expect(await found('?review=overdue')).toEqual([ids[2], ids[1]]);
    expect((await report()).overdue.breakGlass).toBe(2);
    lab.clock.advance(-200 * 24 * 3_600);
  });

  test('is read page by page', async () => {
    const first = await report('?limit=2');
    expect(first.items).toHaveLength(2);
    const rest = await report(`?limit=2&cursor=${first.nextCursor}`);
    expect([rest.items.map((it) => it.session), rest.nextCursor]).toEqual([[ids[0]], null]);
    expect((await ask(`?review=done&cursor=${first.nextCursor}`)).status).toBe(400);
  });

  test('names the saved reviews that are overdue', async () => {
    const dueAt = new Date(lab.clock.now().getTime() + 1_000).toISOString();
    const { body } = await lab.call('openAuditReview', {
      as: AUDREY,
      path: '/v1/audit/reviews',
      body: { title: 'Glass', sessions: ids, dueAt },
    });
    expect((await report()).overdue.auditReviews).toEqual([]);
    lab.clock.advance(1);
    expect((await report()).overdue.auditReviews).toMatchObject([
      { id: body.id, title: 'Glass', overdue: true, sessions: 3, signedOff: 0 },
    ]);
  });

  test('as CSV has a line for each, and nothing that people typed is a formula', async () => {
    for (const answer of [await ask('?format=csv'), await ask('', { accept: 'text/csv' })]) {
      expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
      const [heads = '', ...lines] = answer.text.split('\r\n');
      expect(heads).toMatch(/^session,at,issuer,subject,.*,review,review_due_at,finding/);
      expect(lines).toHaveLength(4);
      expect(lines[1]).toContain(`,'=kim(),`);
      expect(lines[1]).toContain(`,"'=HYPERLINK(""x"")\nand, more",`);
      expect(lines[2]).toContain(',done,');
    }
    const json = await ask('', { accept: 'application/json, text/csv' });
    expect(json.headers.get('content-type')).toMatch(/^application\/json/);
    expect((await ask('?format=xml')).status).toBe(400);
  });

  test('is for auditors, and its reading is an event', async () => {
    expect((await ask('', {}, KIM)).status).toBe(403);
    // Later than all that was read before, by clocks that were put forward too.
    lab.clock.advance(300 * 24 * 3_600);
    await report('?review=overdue');
    const { body } = await lab.call('listAuditEvents', {
      as: AUDREY,
      path: '/v1/audit/events?action=audit.reported&limit=1',
    });
    expect(body.items[0].body).toMatchObject({
      actor: { sub: 'audrey' },
      data: { report: 'break-glass', review: 'overdue' },
    });
  });
});
