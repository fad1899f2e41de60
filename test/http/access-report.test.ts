import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AccessReportView } from '../../src/contract/access-report.schema.js';
import type { Claims } from '../support/glass.lab.js';
import { GlassLab } from '../support/glass.lab.js';
import { policyOf } from '../support/policies.js';

const HOUR_MS = 3_600_000;
const NO_SIGN_IN = { acr: [], amr: [], maxAgeSeconds: null };
const REVIEW = { groups: ['payments-leads'], users: [], withinSeconds: 3_600 };
const POLICIES = [
  policyOf('vault', {
    match: { namespaces: ['vault'] },
    terms: { breakGlass: { signIn: NO_SIGN_IN, review: REVIEW, debt: { of: 'person' } } },
  }),
  policyOf('staging', { match: { namespaces: ['staging'] } }),
];
const ROBIN: Claims = { sub: 'robin', groups: ['oncall', 'night', 'night'] };
const KIM: Claims = { sub: 'kim', groups: ['oncall'] };
const LEAD: Claims = { sub: 'alex', groups: ['payments-leads'] };
const AUDITOR: Claims = { sub: 'audrey', groups: ['auditors'] };

let lab: GlassLab;
let begun: Date;
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
  begun = lab.clock.now();
  const reviewed = await lab.broken(ROBIN, { namespace: 'vault' });
  await lab.review(LEAD, reviewed, { finding: 'justified', comment: 'it was right' });
  await lab.broken(KIM, { namespace: 'vault' });
  await lab.ask(ROBIN, { namespace: 'staging', breakGlass: false });
  await lab.ask(ROBIN, { namespace: 'nowhere', breakGlass: false });
});
afterAll(() => lab[Symbol.asyncDispose]());

async function report(query = '') {
  const { status, body } = await lab.call('reportAccess', {
    as: AUDITOR,
    path: `/v1/audit/reports/access${query}`,
  });
  expect(status).toBe(200);
  return AccessReportView.parse(body);
}

describe('the access review', () => {
  test('tells per namespace and per group who asked for what, what was refused, and what is overdue', async () => {
    lab.clock.set(new Date(begun.getTime() + 2 * HOUR_MS));
    const { from, until, groups, namespaces, more } = await report();
    expect([Date.parse(until) - Date.parse(from), more]).toEqual([183 * 24 * HOUR_MS, false]);
    const none = { denied: 0, started: 0, brokenGlass: 0, reviewsOverdue: 0 };
    const lastAskedAt = begun.toISOString();
    expect(namespaces).toEqual([
      {
        ...none,
        name: 'sandbox/vault',
        people: 2,
        asked: 2,
        brokenGlass: 2,
        reviewsOverdue: 1,
        lastAskedAt,
      },
      { ...none, name: 'sandbox/nowhere', people: 1, asked: 1, denied: 1, lastAskedAt },
      { ...none, name: 'sandbox/staging', people: 1, asked: 1, lastAskedAt },
    ]);
    expect(groups).toMatchObject([
      { name: 'oncall', people: 2, asked: 4, denied: 1, brokenGlass: 2, reviewsOverdue: 1 },
      { name: 'night', people: 1, asked: 3, denied: 1, brokenGlass: 1, reviewsOverdue: 0 },
    ]);
  });

  test('is of the time that is asked for', async () => {
    const later = new Date(begun.getTime() + 1).toISOString();
    expect(await report(`?from=${later}`)).toMatchObject({ groups: [], namespaces: [] });
    expect((await report(`?until=${later}`)).groups).toHaveLength(2);
    expect(await report(`?until=${begun.toISOString()}`)).toMatchObject({ groups: [] });
  });

  test('as CSV has a line for each group and namespace, or for one of them', async () => {
    const csv = async (query: string) => {
      const { headers, text } = await lab.call('reportAccess', {
        as: AUDITOR,
        path: `/v1/audit/reports/access?format=csv${query}`,
      });
      expect(headers.get('content-type')).toMatch(/^text\/csv/);
      return text.split('\r\n');
    };
    const [heads, ...lines] = await csv('');
    expect(heads).toBe(
      'by,name,people,asked,denied,started,broken_glass,reviews_overdue,last_asked_at',
    );
    expect(lines[0]).toBe(`group,oncall,2,4,1,0,2,1,${begun.toISOString()}`);
    expect(lines.filter((it) => it.startsWith('namespace,'))).toHaveLength(3);
    expect(await csv('&by=group')).toHaveLength(4);
    const { body } = await lab.call('reportAccess', {
      as: AUDITOR,
      path: '/v1/audit/reports/access?by=namespace',
    });
    expect([body.groups.length, body.namespaces.length]).toEqual([0, 3]);
  });

  test('is for auditors, and its reading is an event', async () => {
    const refused = await lab.call('reportAccess', {
      as: KIM,
      path: '/v1/audit/reports/access',
    });
    expect(refused.status).toBe(403);
    await report();
    const { body } = await lab.call('listAuditEvents', {
      as: AUDITOR,
      path: '/v1/audit/events?action=audit.reported&limit=1',
    });
    expect(body.items[0].body).toMatchObject({
      actor: { sub: 'audrey' },
      data: { report: 'access' },
    });
  });
});
