import { once } from 'node:events';
import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Browser } from '../../sandbox/identity/code.flow.js';
import { RESOURCE } from '../../sandbox/identity/hallpass.api.js';
import type { IdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { startIdentityProvider } from '../../sandbox/identity/identity.provider.js';
import { AccountStore } from '../../src/adapters/cli/account.store.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { SignInBroker } from '../support/sign-in.broker.js';
import { startSignInBroker } from '../support/sign-in.broker.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

let identity: IdentityProvider;
let broker: SignInBroker;
let home: HallpassHome;

beforeAll(async () => {
  identity = await startIdentityProvider();
  broker = await startSignInBroker({
    ...identity,
    scopes: ['openid', 'profile', 'email', 'groups'],
    resource: RESOURCE,
  });
});
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await identity.close();
});
beforeEach(async () => {
  home = await HallpassHome.make();
  return () => home[Symbol.asyncDispose]();
});

/** Starts to sign in, and gives the page that is to be opened. */
async function start() {
  const child = home.start(['login', '--server', broker.url, '--no-browser']);
  let said = '';
  const page = new Promise<URL>((resolve) => {
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString();
      const found = /^http\S+$/m.exec(said)?.[0];
      if (found !== undefined) resolve(new URL(found));
    });
  });
  let told = '';
  child.stdout.on('data', (data: Buffer) => (told += data.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, said, told }));
  return { page: await page, ended };
}

/** What somebody does in their browser: they sign in as Robin. Where they are led then is given. */
async function inBrowser(page: URL): Promise<URL> {
  const browser = new Browser(page.searchParams.get('redirect_uri') ?? '');
  const form = await browser.open(page.href);
  return new URL(await browser.open(form, new URLSearchParams({ sub: 'robin' })));
}

const accounts = async (): Promise<string[]> => {
  const folder = join(home.folder, '.config', 'hallpass');
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name !== 'current.json').map((name) => join(folder, name));
};

describe('hallpass login', () => {
  test('signs in by code with PKCE on a loopback address, and from then on one is known', async () => {
    const { page, ended } = await start();
    expect(page.searchParams.get('code_challenge_method')).toBe('S256');
    expect(page.searchParams.get('nonce')).toBeTruthy();
    expect(page.searchParams.get('redirect_uri')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const back = await inBrowser(page);
    expect(await (await fetch(back)).text()).toContain('You can close this window');
    const { code, told } = await ended;
    expect([code, told]).toEqual([
      0,
      expect.stringContaining(`signed in to ${broker.url} as robin`),
    ]);
    // Without naming the broker again.
    const me = await home.run(['whoami']);
    expect(me.stdout.toString()).toMatch(/subject +robin/);
  });

  test('keeps tokens where their owner alone can read them, and uses none that others can', async () => {
    const { page, ended } = await start();
    await fetch(await inBrowser(page));
    await ended;
    const [file = ''] = await accounts();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    const { code, stderr } = await home.run(['whoami']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('can be read by others')]);
  });

  test('logout forgets them', async () => {
    const { page, ended } = await start();
    await fetch(await inBrowser(page));
    await ended;
    const [file = ''] = await accounts();
    expect(await readFile(file, 'utf8')).toContain('accessToken');
    expect((await home.run(['logout'])).code).toBe(0);
    expect(await accounts()).toEqual([]);
    expect((await home.run(['whoami'])).code).toBe(5);
  });

  test('takes no answer whose state is another than what was sent, and goes on waiting for its own', async () => {
    const { page, ended } = await start();
    const back = await inBrowser(page);
    for (const state of ['made-up', '']) {
      const other = new URL(back);
      other.searchParams.set('state', state);
      expect((await fetch(other)).status).toBe(400);
    }
    expect(await accounts()).toEqual([]);
    expect((await fetch(back)).status).toBe(200);
    expect((await ended).code).toBe(0);
  });

  test('says why where the identity provider says no', async () => {
    const { page, ended } = await start();
    const back = new URL(page.searchParams.get('redirect_uri') ?? '');
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: 'not on Sundays',
      state: page.searchParams.get('state') ?? '',
      iss: identity.issuer,
    }).toString();
    expect(await (await fetch(back)).text()).toContain('not signed in');
    const { code, said } = await ended;
    expect([code, said]).toEqual([5, expect.stringContaining('not on Sundays')]);
  });

  test('says that the broker names no place to sign in, where it does not', async () => {
    const server = createServer((_, response) => response.end('{"issuers":[]}'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await home.run(['login', '--server', url]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('HALLPASS_TOKEN')]);
    server.close();
  });
});

test('an expired token is renewed once, however many programs want it at the same moment', async () => {
  let renewed = 0;
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url?.startsWith('/.well-known/')) {
      answer(200, { issuer: url, token_endpoint: `${url}/token`, authorization_endpoint: url });
    } else if (request.url === '/token') {
      renewed += 1;
      answer(200, {
        access_token: `access-${renewed}`,
        token_type: 'bearer',
        expires_in: 3600,
        refresh_token: `refresh-${renewed}`,
      });
    } else if (request.headers.authorization === 'Bearer access-1') {
      answer(200, {
        person: { iss: url, sub: 'robin', groups: [] },
        roles: [],
        permissions: [],
        signedInUntil: new Date().toISOString(),
      });
    } else answer(401, {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = new AccountStore(join(home.folder, '.config', 'hallpass'));
  await store.keep({
    server: url,
    issuer: url,
    clientId: 'hallpass-cli',
    resource: null,
    accessToken: 'access-0',
    expiresAtMs: Date.now() - 1_000,
    refreshToken: 'refresh-0',
  });
  const runs = await Promise.all([1, 2, 3].map(() => home.run(['whoami'])));
  expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, '']));
  expect(renewed).toBe(1);
  expect((await store.find(url))?.refreshToken).toBe('refresh-1');
  server.close();
});
