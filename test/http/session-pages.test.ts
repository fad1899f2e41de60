import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { SignInRule } from '../../src/domain/policy/sign-in.rule.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { traceparentOf } from '../../src/domain/traceparent.js';
import { callerOf } from '../support/consent.lab.js';
import { REQUEST } from '../support/http.api.js';
import type { Shown } from '../support/page.browser.js';
import { PageBrowser } from '../support/page.browser.js';
import { PagesLab } from '../support/pages.lab.js';
import { approvals, policyOf, requirement, setOf } from '../support/policies.js';

const LEADS = approvals(requirement(1, 'payments-leads'));
const rule = (namespace: string, signIn?: SignInRule) =>
  policyOf(namespace, {
    match: { namespaces: [namespace] },
    terms: {
      approvals: { ...LEADS, ...(signIn ? { signIn } : {}) },
      extension: { times: 1, longestSeconds: 900 },
    },
  });
const SET = setOf([
  rule('payments'),
  rule('fresh', { acr: [], amr: [], maxAgeSeconds: 60 }),
  rule('gold', { acr: ['gold'], amr: ['mfa'], maxAgeSeconds: null }),
  policyOf('wordy', {
    match: { namespaces: ['wordy'] },
    terms: { approvals: { ...LEADS, commentRequired: true } },
  }),
]);

let lab: PagesLab;
let browser: PageBrowser;
beforeAll(async () => {
  lab = await PagesLab.start({
    set: SET,
    traceLink: (traceId) => `https://traces.example/?q="${traceId}"&<b>`,
  });
});
afterAll(() => lab?.close());
beforeEach(() => {
  browser = new PageBrowser();
});
afterEach(() => {
  vi.useRealTimers();
});

/** For the broker and the identity provider alike. */
function later(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

let pods = 0;
/** Robin asks, as who signs in at the identity provider. */
async function asked(namespace = 'payments'): Promise<Session> {
  const { sub, email, groups } = PEOPLE.requester;
  const caller = callerOf({ iss: lab.identity.issuer, sub, email, groups });
  const { target: _target, ...request } = REQUEST;
  const target = { kind: 'pod', name: `shown-${(pods += 1)}` } as const;
  const ask = { ...request, start: 'manual', namespace, target } as const;
  const came = await lab.api.deps.requestSession.ask(caller, ask);
  if (isProblem(came)) throw new Error(came.detail);
  return came.session;
}

const open = ({ id }: Session, sub?: string) => lab.open(browser, `/sessions/${id}`, sub);
const stateOf = async ({ id }: Session) => (await lab.api.store.find(id))?.state;
const decide = (page: Shown, fields: Record<string, string>) =>
  browser.submit(page, '/decisions', fields);
const inForm = ({ text }: Shown) => /<textarea id="comment"[^>]*>([^<]*)</.exec(text)?.[1];

async function running(): Promise<Session> {
  const session = await asked();
  browser = new PageBrowser();
  await decide(await open(session), { verdict: 'approve' });
  browser = new PageBrowser();
  await lab.api.step(session.id, 'start');
  const at = new Date();
  const deadlineAt = new Date(at.getTime() + 600_000);
  return lab.api.step(session.id, 'run', { startedAt: at, deadlineAt });
}

describe('a consent that wants a fresh sign-in', () => {
  test('leads to one and back to the page, which says why, and is given there and not by coming back', async () => {
    const session = await asked('fresh');
    await open(session);
    later(61);
    const page = await browser.get(`${lab.api.url}/sessions/${session.id}`);
    expect(page.text).toMatch(
      /Consenting needs a sign-in 60 seconds ago at most \(auth_time; yours was 6\d seconds ago\)/,
    );
    expect(page.text).not.toContain('>Approve<');
    expect(page.text).toContain('>Deny<');

    const path = `/sessions/${session.id}/sign-in`;
    expect(page.text).toContain(`href="${path}"`);
    const away = await browser.once(`${lab.api.url}${path}`);
    const to = new URL(away.headers.get('location') ?? '');
    expect([to.origin, to.searchParams.get('max_age')]).toEqual([lab.identity.issuer, '60']);
    // The identity provider knows the person, and asks again all the same.
    const choice = await browser.get(`${lab.api.url}${path}`);
    expect(choice.url.startsWith(lab.identity.issuer)).toBe(true);
    const back = await browser.post(choice.url, { sub: PEOPLE.approver.sub });
    expect(back.url).toBe(`${lab.api.url}/sessions/${session.id}`);
    expect(await stateOf(session)).toBe('pending');
    expect(back.text).toContain('>Approve<');
    expect(back.text).not.toContain('Consenting needs');
    expect((await decide(back, { verdict: 'approve' })).status).toBe(200);
    expect(await stateOf(session)).toBe('approved');
  });

  test('is refused where the sign-in grew old while somebody wrote, and what they wrote stays', async () => {
    const session = await asked('fresh');
    const page = await open(session);
    later(61);
    const after = await decide(page, { verdict: 'approve', comment: 'I watch <too>' });
    expect(after.status).toBe(403);
    expect(after.text).toContain('Consenting needs a sign-in');
    expect(inForm(after)).toBe('I watch &lt;too&gt;');
    expect(await stateOf(session)).toBe('pending');
  });

  test('may be denied without', async () => {
    const session = await asked('fresh');
    const page = await open(session);
    later(61);
    await decide(page, { verdict: 'deny', comment: 'not now' });
    expect(await stateOf(session)).toBe('denied');
  });
});

describe('a consent that wants a stronger sign-in', () => {
  test('asks for its class and for the person again, and says so where they come back as weak as before', async () => {
    const session = await asked('gold');
    const page = await open(session);
    expect(page.text).toContain(
      'of class gold (acr; yours is urn:hallpass:sandbox:chosen), by mfa (amr)',
    );
    const away = await browser.once(`${lab.api.url}/sessions/${session.id}/sign-in`);
    const { searchParams } = new URL(away.headers.get('location') ?? '');
    expect([searchParams.get('acr_values'), searchParams.get('prompt')]).toEqual(['gold', 'login']);
    const choice = await browser.get(`${lab.api.url}/sessions/${session.id}/sign-in`);
    const back = await browser.post(choice.url, { sub: PEOPLE.approver.sub });
    expect(back.url).toBe(`${lab.api.url}/sessions/${session.id}`);
    expect(back.text).toContain('Consenting needs a sign-in of class gold');
    const forged = await decide(back, { verdict: 'approve' });
    expect(forged.status).toBe(403);
    expect(await stateOf(session)).toBe('pending');
  });

  test('is offered to nobody else than who may decide', async () => {
    const session = await asked('gold');
    const page = await open(session, PEOPLE.auditor.sub);
    expect(page.text).not.toContain('/sign-in"');
    const away = await browser.get(`${lab.api.url}/sessions/${session.id}/sign-in`);
    expect(away.status).toBe(403);
    browser = new PageBrowser();
    const bare = await browser.once(`${lab.api.url}/sessions/${session.id}/sign-in`);
    expect(bare.headers.get('location')).toBe(
      `/sign-in?next=${encodeURIComponent(`/sessions/${session.id}/sign-in`)}`,
    );
  });
});

describe('a word that is refused', () => {
  test('comes back with what was written where it must say why and does not, or says too much', async () => {
    const session = await asked('wordy');
    const page = await open(session);
    const silent = await decide(page, { verdict: 'approve' });
    expect([silent.status, silent.url]).toEqual([
      422,
      `${lab.api.url}/sessions/${session.id}/decisions`,
    ]);
    expect(silent.text).toContain('the policy asks why you consent');
    const long = 'x'.repeat(2_001);
    const refused = await decide(silent, { verdict: 'approve', comment: long });
    expect(refused.status).toBe(422);
    expect(refused.text).toContain('comment ');
    expect(inForm(refused)).toBe(long);
    expect(await stateOf(session)).toBe('pending');
    const done = await decide(refused, { verdict: 'approve', comment: 'go ahead' });
    expect([done.status, done.url]).toEqual([200, `${lab.api.url}/sessions/${session.id}`]);
    expect(await stateOf(session)).toBe('approved');
  });

  test.each([
    ['no version', { version: '' }],
    ['a version that is none', { version: 'one' }],
    ['no verdict', { verdict: '' }],
    ['a verdict that is none', { verdict: 'perhaps' }],
  ])('has %s: nothing is decided, and what was written stays', async (_what, fields) => {
    const session = await asked();
    const page = await open(session);
    const after = await decide(page, { verdict: 'approve', comment: 'so be it', ...fields });
    expect([after.status, inForm(after)]).toEqual([422, 'so be it']);
    expect(await stateOf(session)).toBe('pending');
  });

  test('is on what has changed since: the page is of the session as it is now, and the next word is on that', async () => {
    const session = await asked();
    const page = await open(session);
    const sam = new PageBrowser();
    const first = await lab.open(sam, `/sessions/${session.id}`, PEOPLE.secondApprover.sub);
    await sam.submit(first, '/decisions', { verdict: 'approve' });
    const late = await decide(page, { verdict: 'deny', comment: 'rather not' });
    expect(late.status).toBe(412);
    expect(late.text).toContain('has changed since you read it');
    expect(late.text).toContain('approve by');
    expect(await stateOf(session)).toBe('approved');
    // Decided is decided: there is nothing to write into any more, and what was written is not gone.
    expect(late.text).toContain('rather not');
  });

  test('does not count without the token of the form, nor from elsewhere', async () => {
    const session = await asked();
    const page = await open(session);
    const url = `${lab.api.url}/sessions/${session.id}/decisions`;
    const bare = await browser.post(url, { verdict: 'approve', version: '1' });
    expect(bare.status).toBe(403);
    const foreign = await browser.post(
      url,
      { verdict: 'approve', version: '1', form: 'x'.repeat(43) },
      { origin: 'https://evil.example' },
    );
    expect(foreign.status).toBe(403);
    expect(await stateOf(session)).toBe('pending');
    await decide(page, { verdict: 'approve' });
    expect(await stateOf(session)).toBe('approved');
  });

  test('leads who is not signed in any more back to the page, and is not given by that', async () => {
    const session = await asked();
    const page = await open(session);
    browser.cookies.get(lab.api.url)?.clear();
    const late = await decide(page, { verdict: 'approve', comment: 'looks right to me' });
    expect(late.status).toBe(401);
    expect(late.text).toContain('looks right to me');
    expect(late.text).toContain(`/sign-in?next=${encodeURIComponent(`/sessions/${session.id}`)}`);
    expect(await stateOf(session)).toBe('pending');
  });
});

describe('the requester', () => {
  test('withdraws what waits, and decides nothing', async () => {
    const session = await asked();
    const page = await open(session, PEOPLE.requester.sub);
    expect(page.text).not.toContain('/decisions');
    expect(page.text).toContain('>Withdraw<');
    const after = await browser.submit(page, '/end');
    expect([after.status, after.url]).toEqual([200, `${lab.api.url}/sessions/${session.id}`]);
    expect(await stateOf(session)).toBe('ended');
    expect(after.text).not.toContain('>Withdraw<');
  });

  test('starts what waits for them', async () => {
    const session = await asked();
    await decide(await open(session), { verdict: 'approve' });
    browser = new PageBrowser();
    await browser.submit(await open(session, PEOPLE.requester.sub), '/start');
    expect(await stateOf(session)).toBe('starting');
  });

  test('sees how to get in, extends once however often they send it, and ends', async () => {
    const session = await running();
    const page = await open(session, PEOPLE.requester.sub);
    expect(page.text).toContain(`hallpass connect ${session.id}`);
    const wrong = await browser.submit(page, '/extend', { duration: 'soon', reason: 'it is slow' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('value="soon"');
    expect(wrong.text).toContain('>it is slow<');
    const much = await browser.submit(wrong, '/extend', { duration: '10h', reason: 'it is slow' });
    expect([much.status, much.text.includes('value="10h"')]).toEqual([422, true]);
    const sent = { duration: '15m', reason: 'it is slow' };
    expect((await browser.submit(much, '/extend', sent)).status).toBe(200);
    expect((await browser.submit(much, '/extend', sent)).status).toBe(200);
    expect((await lab.api.store.find(session.id))?.extensions).toBe(1);
    await browser.submit(await browser.get(`${lab.api.url}/sessions/${session.id}`), '/end');
    expect(await stateOf(session)).toBe('ending');
  });
});

test('a page has the trace of its session, and leads to where it is looked at', async () => {
  const session = await asked();
  const page = await open(session);
  expect(page.text).not.toContain('Trace');
  await decide(page, { verdict: 'approve' });
  const traceId = 'ab'.repeat(16);
  const traceparent = traceparentOf({ traceId, spanId: 'cd'.repeat(8), isSampled: true });
  const traced = { startingAt: new Date(), traceparent };
  await lab.api.step(session.id, 'start', traced);
  browser = new PageBrowser();
  expect((await open(session)).text).toContain(
    `<a href="https://traces.example/?q=&quot;${traceId}&quot;&amp;&lt;b&gt;">${traceId}</a>`,
  );
});

describe('an approver', () => {
  test('revokes what runs and says why; others cannot', async () => {
    const session = await running();
    const page = await open(session);
    const after = await browser.submit(page, '/revoke', { comment: 'the incident is over' });
    expect(after.text).toContain('the incident is over');
    expect(await stateOf(session)).toBe('ending');
    const another = await running();
    const robins = await open(another, PEOPLE.requester.sub);
    const { id } = another;
    const form = /name="form" value="([^"]*)"/.exec(robins.text)?.[1] ?? '';
    const refused = await browser.post(`${lab.api.url}/sessions/${id}/revoke`, { form });
    expect(refused.status).toBe(403);
    expect(await stateOf(another)).toBe('active');
  });
});
