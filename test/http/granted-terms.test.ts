import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionDetails } from '../../src/contract/session.schema.js';
import type { SessionTermsView } from '../../src/contract/session-terms.schema.js';
import { GlassLab } from '../support/glass.lab.js';
import { approvals, policyOf, requirement, TERMS } from '../support/policies.js';

const ASKED = {
  longestSeconds: 1_800,
  recording: 'best-effort' as const,
  keepRecordingSeconds: 86_400,
  watcher: 'required' as const,
  streams: 2,
  ways: ['cli' as const],
  fileCopies: 'download' as const,
  portForward: true,
  concurrent: { perPerson: 2, perPod: 1 },
  extension: { times: 2, longestSeconds: 600 },
  idleSeconds: 300,
  onOverrun: 'evict' as const,
  onAccessRemoved: 'keep' as const,
  slack: { channels: ['C0PAYMENTS'], consent: 'counts' as const, profiles: ['shell'] },
};
const REVIEW = { withinSeconds: 3_600, groups: ['security'], users: ['ciso'] };
const SIGN_IN = { acr: [], amr: ['hwk'], maxAgeSeconds: 900 };

const POLICIES = [
  policyOf('payments', {
    match: { namespaces: ['payments'] },
    terms: {
      ...ASKED,
      approvals: approvals(requirement(1, 'payments-leads')),
      breakGlass: { signIn: SIGN_IN, review: REVIEW, debt: { of: 'team', team: 'payments' } },
    },
  }),
  policyOf('staging', { match: { namespaces: ['staging'] } }),
];
const OFFERED: SessionTermsView = {
  ...ASKED,
  breakGlass: { signIn: SIGN_IN, review: REVIEW, team: 'payments' },
};
const { approvals: _, reason: __, ticket: ___, ...PLAIN } = TERMS;

let lab: GlassLab;
beforeAll(async () => {
  lab = await GlassLab.start(POLICIES);
});
afterAll(() => lab[Symbol.asyncDispose]());

const signedIn = () => ({
  groups: ['oncall'],
  amr: ['hwk'],
  auth_time: Math.floor(lab.clock.now().getTime() / 1000),
});
const LEAD = { sub: 'alex', groups: ['payments-leads'] };

async function termsFor(id: string, as: { sub: string; groups: string[] }) {
  const { body } = await lab.call('readSession', { as, path: `/v1/sessions/${id}` });
  return SessionDetails.parse(body).terms;
}

describe('the terms of a session', () => {
  test('are shown to its requester and to its approvers before they decide, each of them', async () => {
    const robin = { sub: 'robin', ...signedIn() };
    const { body } = await lab.ask(robin, { breakGlass: false });
    expect(body).toMatchObject({ state: 'pending', terms: OFFERED });
    expect(await termsFor(body.id, robin)).toEqual(OFFERED);
    expect(await termsFor(body.id, LEAD)).toEqual(OFFERED);
  });

  test('are the strict record where the glass was broken, as its reviewers see', async () => {
    const { body } = await lab.ask({ sub: 'rosa', ...signedIn() }, { target: { pod: 'web-2' } });
    expect(body).toMatchObject({ state: 'approved', breakGlass: true });
    const strict = { ...OFFERED, recording: 'strict' };
    expect(await termsFor(body.id, { sub: 'sue', groups: ['other-leads', 'security'] })).toEqual(
      strict,
    );
  });

  test('say what is not limited and not offered', async () => {
    const ruth = { sub: 'ruth', ...signedIn() };
    const { body } = await lab.ask(ruth, { namespace: 'staging', breakGlass: false });
    expect(await termsFor(body.id, ruth)).toEqual(PLAIN);
    expect(PLAIN).toMatchObject({ extension: null, idleSeconds: null, breakGlass: null });
  });

  test('are none where policy refused', async () => {
    const rhea = { sub: 'rhea', ...signedIn() };
    const { body } = await lab.ask(rhea, { namespace: 'elsewhere', breakGlass: false });
    expect(body.state).toBe('denied');
    expect(await termsFor(body.id, rhea)).toBeNull();
  });

  test('are described, each of them, in the description of the API', async () => {
    const { body } = await lab.call('', { as: LEAD, path: '/openapi.json' });
    const { SessionDetails: details, SessionTerms: terms } = body.components.schemas;
    expect(JSON.stringify(details.properties.terms)).toContain('#/components/schemas/SessionTerms');
    expect(Object.keys(terms.properties).sort()).toEqual(Object.keys(OFFERED).sort());
    for (const [name, { description }] of Object.entries<{ description?: string }>(
      terms.properties,
    )) {
      expect(description, name).toBeTruthy();
    }
  });
});
