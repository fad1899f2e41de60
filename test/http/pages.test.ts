import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { IdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { startIdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { SCOPES, WEB_CLIENT_ID } from '../../sandbox/identity/provider.configuration.js';
import { OpenIdSignIn } from '../../src/adapters/oidc/browser.sign-in.js';
import type { Database } from '../../src/adapters/prisma/database.js';
import type { LinkSlack } from '../../src/app/link-slack.js';
import { isProblem } from '../../src/domain/problem.js';
import type { SlackUser } from '../../src/domain/slack-user.js';
import type { Api } from '../support/http.api.js';
import type { HandClock } from '../support/in-memory.ports.js';
import type { Shown } from '../support/page.browser.js';
import { PageBrowser } from '../support/page.browser.js';
import { PagesLab } from '../support/pages.lab.js';

const SESSION_COOKIE = 'hallpass-session';

let lab: PagesLab;
let database: Database;
let identity: IdentityProvider;
let clock: HandClock;
let linkSlack: LinkSlack;
let api: Api;
let browser: PageBrowser;
beforeAll(async () => {
  lab = await PagesLab.start();
  ({ database, identity, clock, linkSlack, api } = lab);
});
afterAll(() => lab?.close());
beforeEach(() => {
  browser = new PageBrowser();
});

const open = (path: string, sub?: string): Promise<Shown> => lab.open(browser, path, sub);

let made = 0;
function account(over: Partial<SlackUser> = {}): SlackUser {
  return {
    teamId: 'T0HALLPASS',
    userId: `U0PAGES${(made += 1)}`,
    name: 'robin',
    isEmailConfirmed: false,
    isDeleted: false,
    isBot: false,
    isGuest: false,
    isStranger: false,
    ...over,
  };
}

async function linkFor(user: SlackUser): Promise<string> {
  const offered = await linkSlack.offer(user);
  if (isProblem(offered)) throw new Error(offered.detail);
  return offered.path;
}

describe('signing in by a browser', () => {
  test('leads to the page that was asked for, as the person whom the identity provider says', async () => {
    const page = await open('/me');
    expect([page.url, page.status]).toEqual([`${api.url}/me`, 200]);
    expect(page.text).toContain('<bdi>alex@example.com</bdi>');
    expect(page.text).toContain('payments-leads');
  });

  test('leaves a cookie that scripts and other sites do not get, and of which the database knows a digest', async () => {
    await open('/me');
    const line = browser.set.find((it) => it.startsWith(`${SESSION_COOKIE}=`)) ?? '';
    expect(line).toMatch(/; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
    const key = browser.cookie(api.url, SESSION_COOKIE) ?? '';
    const rows = await database.prisma.$queryRaw<object[]>`SELECT * FROM web_sessions`;
    expect(JSON.stringify(rows)).not.toContain(key);
  });

  test('holds for eight hours at most, and not for longer than the token', async () => {
    await open('/me');
    const seconds = Number(/session=.*Max-Age=(\d+)/.exec(browser.set.join('\n'))?.[1]);
    expect(seconds).toBeGreaterThan(3_500);
    expect(seconds).toBeLessThanOrEqual(3_600);
    clock.advance(3_601);
    try {
      const page = await browser.once(`${api.url}/me`);
      expect([page.status, page.headers.get('location')]).toEqual([303, '/sign-in?next=%2Fme']);
    } finally {
      clock.advance(-3_601);
    }
  });

  test.each([
    ['//evil.example/x'],
    ['https://evil.example/'],
    ['/\\evil.example'],
    ['/%0d%0aset-cookie:x'.replace('%0d%0a', '\r\n')],
    ['javascript:alert(1)'],
    ['/me#@evil.example'],
  ])('leads nowhere else: %j', async (next) => {
    const page = await open(`/sign-in?next=${encodeURIComponent(next)}`);
    expect(new URL(page.url).origin).toBe(api.url);
    expect(page.url).toBe(`${api.url}/me`);
  });

  test('is refused where the browser did not begin it: with the code of somebody else', async () => {
    const eve = new PageBrowser();
    const choice = await eve.get(`${api.url}/sign-in?next=/me`);
    const toProvider = await eve.once(choice.url, new URLSearchParams({ sub: 'robin' }));
    let at = new URL(toProvider.headers.get('location') ?? '', choice.url).href;
    while (!at.startsWith(api.url)) {
      at = new URL((await eve.once(at)).headers.get('location') ?? '', at).href;
    }
    const bare = await browser.get(at);
    expect([bare.status, browser.cookie(api.url, SESSION_COOKIE)]).toEqual([401, undefined]);
    await browser.once(`${api.url}/sign-in?next=/me`);
    const other = await browser.get(at);
    expect([other.status, browser.cookie(api.url, SESSION_COOKIE)]).toEqual([401, undefined]);
  });

  test('is refused where its cookie was altered', async () => {
    for (const change of [
      (it: object) => ({ ...it, nonce: 'x'.repeat(43) }),
      (it: object) => ({ ...it, state: 'x'.repeat(43) }),
      (it: object) => ({ ...it, verifier: 'x'.repeat(43) }),
      (it: object) => ({ ...it, issuer: 'https://evil.example' }),
      () => ({}),
    ]) {
      browser = new PageBrowser();
      const choice = await browser.get(`${api.url}/sign-in?next=/me`);
      const jar = browser.cookies.get(api.url);
      const kept = JSON.parse(
        Buffer.from(jar?.get('hallpass-signing-in') ?? '', 'base64url').toString(),
      ) as object;
      const altered = Buffer.from(JSON.stringify(change(kept))).toString('base64url');
      jar?.set('hallpass-signing-in', altered);
      const page = await browser.post(choice.url, { sub: 'alex' });
      expect([page.status, browser.cookie(api.url, SESSION_COOKIE)]).toEqual([401, undefined]);
    }
  });

  test('says so where the issuer gives no tokens, and signs nobody in', async () => {
    const dead = await startIdentityProvider();
    const verifier = { verify: () => Promise.reject(new Error('nothing to verify')) };
    const signIn = new OpenIdSignIn({
      clients: [
        {
          issuer: dead.issuer,
          clientId: WEB_CLIENT_ID,
          clientSecret: () => null,
          scopes: SCOPES,
          resource: null,
        },
      ],
      redirectUri: `${api.url}/sign-in/callback`,
      verifier,
    });
    const begun = await signIn.begin(dead.issuer);
    if (isProblem(begun)) throw new Error(begun.detail);
    await dead.close();
    const { state } = begun.underWay;
    const query = new URLSearchParams({ code: 'x', state, iss: dead.issuer }).toString();
    expect(await signIn.finish(begun.underWay, query)).toMatchObject({
      problem: 'identity-unavailable',
    });
    expect(await signIn.begin('https://elsewhere.example')).toMatchObject({ problem: 'not-found' });
  });

  test('ends on every replica when the person signs out, whatever cookie is kept', async () => {
    const page = await open('/me');
    const key = browser.cookie(api.url, SESSION_COOKIE) ?? '';
    const out = await browser.submit(page, '/sign-out');
    expect([out.status, browser.cookie(api.url, SESSION_COOKIE)]).toEqual([200, undefined]);
    browser.cookies.get(api.url)?.set(SESSION_COOKIE, key);
    expect((await browser.once(`${api.url}/me`)).status).toBe(303);
  });

  test('does not make a bearer of the cookie, nor a cookie of the bearer', async () => {
    await open('/me');
    expect((await browser.get(`${api.url}/v1/me`)).status).toBe(401);
    const page = await new PageBrowser().once(`${api.url}/me`, undefined, {
      authorization: 'Bearer alex',
    });
    expect(page.status).toBe(303);
  });
});

describe('pages', () => {
  test('run no scripts, load nothing and are framed by nobody', async () => {
    const { headers, text } = await open('/me');
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    );
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text).not.toContain('<script');
  });

  test('are not changed by other sites: without the token of the form, or from elsewhere, nothing is done', async () => {
    const page = await open(await linkFor(account({ userId: 'U0CSRF' })));
    const url = `${api.url}/link/slack`;
    const form = hidden(page);
    const tries: [Record<string, string>, Record<string, string>][] = [
      [{ code: form['code'] ?? '' }, {}],
      [{ ...form, form: '' }, {}],
      [{ ...form, form: 'x'.repeat(43) }, {}],
      [form, { origin: 'https://evil.example' }],
      [form, { 'sec-fetch-site': 'cross-site' }],
    ];
    for (const [fields, headers] of tries) {
      expect((await browser.post(url, fields, headers)).status).toBe(403);
    }
    expect(await linkSlack.callerOf(account({ userId: 'U0CSRF' }))).toMatchObject({
      problem: 'slack-not-linked',
    });
    expect((await browser.post(url, form, { origin: api.url })).status).toBe(200);
  });

  test('take forms; the API does not', async () => {
    const answer = await api.call('requestSession', {
      who: 'robin',
      method: 'POST',
      path: '/v1/sessions',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'reason=x',
    });
    expect(answer.status).toBe(415);
  });
});

describe('the page that ties a Slack account', () => {
  test('says who is tied to whom, and ties them when the person agrees', async () => {
    const user = account({ name: 'robin <b>the</b> requester' });
    const page = await open(await linkFor(user), PEOPLE.requester.sub);
    expect(page.text).toContain('robin &lt;b&gt;the&lt;/b&gt; requester');
    expect(page.text).toContain(user.userId);
    expect(page.text).toContain(`<code>robin</code> of <code>${identity.issuer}</code>`);
    expect(await linkSlack.callerOf(user)).toMatchObject({ problem: 'slack-not-linked' });
    const done = await browser.submit(page, '/link/slack');
    expect(done.status).toBe(200);
    expect(await linkSlack.callerOf(user)).toMatchObject({
      actor: { person: { iss: identity.issuer, sub: 'robin' }, channel: 'slack' },
      roles: ['requester'],
    });
  });

  test('is of no use a second time, nor to somebody else', async () => {
    const user = account();
    const path = await linkFor(user);
    const page = await open(path, PEOPLE.requester.sub);
    await browser.submit(page, '/link/slack');
    expect((await browser.submit(page, '/link/slack')).status).toBe(404);
    browser = new PageBrowser();
    expect((await open(path)).status).toBe(404);
  });

  test('lets the person end what they tied, and nobody else', async () => {
    const user = account();
    await browser.submit(await open(await linkFor(user), PEOPLE.requester.sub), '/link/slack');
    const mine = await browser.get(`${api.url}/me`);
    const theirs = hidden(mine, '/link/slack/end');
    const eve = browser;
    browser = new PageBrowser();
    const other = await open('/me');
    const stolen = { ...theirs, ...hidden(other, '/sign-out') };
    expect((await browser.post(`${api.url}/link/slack/end`, stolen)).status).toBe(404);
    const links = await linkSlack.callerOf(user);
    expect(isProblem(links)).toBe(false);
    const again = await eve.get(`${api.url}/me`);
    for (const id of again.text.matchAll(/name="id"\s+value="([^"]+)"/g)) {
      const fields = { ...hidden(again, '/sign-out'), id: id[1] ?? '' };
      expect((await eve.post(`${api.url}/link/slack/end`, fields)).status).toBe(200);
    }
    expect(await linkSlack.callerOf(user)).toMatchObject({ problem: 'slack-not-linked' });
  });
});

describe('the page of a session', () => {
  test('shows an approver what they decide about, and takes their consent', async () => {
    const asked = await api.ask({
      namespace: 'payments',
      reason: 'pool <script>exhausted</script>',
    });
    const page = await open(`/sessions/${asked.body.id}`);
    expect(page.text).toContain('pool &lt;script&gt;exhausted&lt;/script&gt;');
    expect(page.text).toContain('robin@example.com');
    const after = await browser.submit(page, '/decisions', {
      verdict: 'approve',
      comment: 'go\r\nahead',
    });
    expect([after.status, after.url]).toEqual([200, `${api.url}/sessions/${asked.body.id}`]);
    expect((await api.store.find(asked.body.id))?.state).toBe('approved');
    const steps = await api.store.steps(asked.body.id, 1);
    expect(steps[0]?.actor).toMatchObject({
      channel: 'console',
      person: { sub: 'alex' },
      signIn: { amr: ['user'] },
    });
    expect(after.text).toContain('go\nahead');
  });

  test('takes no consent to what has changed since it was shown', async () => {
    const asked = await api.ask({ namespace: 'vault' });
    const page = await open(`/sessions/${asked.body.id}`);
    await api.call('decideSession', {
      who: 'sam',
      method: 'POST',
      path: `/v1/sessions/${asked.body.id}/decisions`,
      headers: { 'if-match': '"1"' },
      body: { verdict: 'approve' },
    });
    const after = await browser.submit(page, '/decisions', { verdict: 'approve' });
    expect(after.status).toBe(412);
    expect((await api.store.find(asked.body.id))?.state).toBe('pending');
  });

  test('is not there for strangers, and offers nothing to who may only look', async () => {
    const asked = await api.ask({ namespace: 'payments' });
    expect((await open(`/sessions/${asked.body.id}`, PEOPLE.requester.sub)).status).toBe(404);
    browser = new PageBrowser();
    const page = await open(`/sessions/${asked.body.id}`, PEOPLE.auditor.sub);
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('/decisions');
  });

  test.each(['x', '../me', '0000000000000000'])(
    'of a session that is none (%s) is not there',
    async (id) => {
      const page = await open(`/sessions/${encodeURIComponent(id)}`);
      expect(page.status).toBe(404);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    },
  );
});

function hidden(page: Shown, action = '/link/slack'): Record<string, string> {
  const form =
    [...page.text.matchAll(/<form method="post" action="([^"]*)">.*?<\/form>/gs)].find(
      ([, to]) => to === action,
    )?.[0] ?? '';
  const fields = form.matchAll(/<input\s+type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"\s*\/>/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]));
}

test('the page of the clusters says what is the matter with one, to those who may ask for sessions or decide', async () => {
  api.clusterStates.away('sandbox', new Date('2026-11-28T10:00:00Z'));
  const page = await open('/clusters');
  api.clusterStates.states = [];
  expect(page.status).toBe(200);
  expect(page.text).toContain('cannot be reached, since 2026-11-28T10:00:00.000Z');
  expect(page.text).toContain('It does not answer in time.');
  expect((await browser.get(`${api.url}/me`)).text).toContain('href="/clusters"');
});
