import { execFile } from 'node:child_process';
import { request } from 'node:http';
import { promisify } from 'node:util';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { signInByCode } from './code.flow.js';
import type { IdentityProvider } from './identity.provider.js';
import { startIdentityProvider } from './identity.provider.js';

let provider: IdentityProvider;
let written: string[];

beforeAll(async () => {
  written = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...line) => void written.push(line.join(' ')));
  }
  provider = await startIdentityProvider();
});

afterAll(async () => {
  await provider.close();
  vi.restoreAllMocks();
});

const hallpass = (by = provider): TokenVerifier =>
  new TokenVerifier({
    issuers: [
      {
        issuer: by.issuer,
        audience: by.audience,
        algorithms: ['RS256'],
        claims: { user: 'sub', email: 'email', name: 'name', groups: 'groups' },
      },
    ],
    clockSkewSeconds: 30,
  });

const keyIds = async (by = provider): Promise<unknown[]> => {
  const document = (await (await fetch(by.jwksUri)).json()) as { keys: { kid: string }[] };
  return document.keys.map(({ kid }) => kid);
};

describe('a token for a script', () => {
  it.each(
    Object.entries({
      requester: ['robin', 'Robin Requester', 'robin@example.com', ['oncall']],
      approver: ['alex', 'Alex Approver', 'alex@example.com', ['payments-leads']],
      secondApprover: ['sam', 'Sam Second', 'sam@example.com', ['payments-leads']],
      auditor: ['audrey', 'Audrey Auditor', 'audrey@example.com', ['auditors']],
      admin: ['ada', 'Ada Admin', 'ada@example.com', ['hallpass-admins']],
    }),
  )('tells Hallpass who the %s is, and how they signed in', async (part, who) => {
    const person = provider.people[part as keyof typeof provider.people];
    const [sub, name, email, groups] = who;
    expect(await hallpass().verify(await provider.tokenFor(person))).toEqual({
      person: { iss: provider.issuer, sub, name, email, groups },
      signIn: {
        acr: 'urn:hallpass:sandbox:chosen',
        amr: ['user'],
        authTime: expect.closeTo(Date.now() / 1000, -1) as number,
        issuedAt: expect.closeTo(Date.now() / 1000, -1) as number,
      },
      expiresAt: expect.any(Date) as Date,
    });
  });

  it('is an access token by RFC 9068, good for an hour', async () => {
    const token = await provider.tokenFor(provider.people.requester);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'RS256' });
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token);
    expect(exp - iat).toBe(3600);
    expect(claims).toMatchObject({ aud: 'hallpass', client_id: 'hallpass-scripts' });
    expect(claims.jti).toBeTypeOf('string');
  });

  it('can be had by the one line for a shell', async () => {
    const line = provider.curlFor(provider.people.auditor);
    const { stdout } = await promisify(execFile)('sh', ['-c', line]);
    expect(await hallpass().verify(stdout.trim())).toHaveProperty('person.sub', 'audrey');
  });

  it('is not given for somebody who is not there, nor to the client of the command line', async () => {
    const grant = 'urn:hallpass:sandbox:person';
    const ask = (form: Record<string, string>): Promise<Response> =>
      fetch(provider.tokenEndpoint, { method: 'POST', body: new URLSearchParams(form) });
    const stranger = { grant_type: grant, client_id: 'hallpass-scripts', person: 'mallory' };
    expect((await ask(stranger)).status).toBe(400);
    const cli = { grant_type: grant, client_id: 'hallpass-cli', person: 'robin' };
    expect((await ask(cli)).status).toBe(400);
    await expect(provider.tokenFor({ sub: 'mallory' })).rejects.toThrow(/mallory/);
  });
});

describe('signing in by code with PKCE', () => {
  it('gives the command line a token that Hallpass accepts, for the person who was chosen', async () => {
    const tokens = await signInByCode(provider.issuer, provider.people.approver);
    expect(await hallpass().verify(tokens.access_token)).toMatchObject({
      person: { sub: 'alex', email: 'alex@example.com', groups: ['payments-leads'] },
      signIn: { acr: 'urn:hallpass:sandbox:chosen', amr: ['user'] },
    });
    expect(tokens.expires_in).toBe(3600);
  });

  it('gives an ID token that is of no use to Hallpass', async () => {
    const tokens = await signInByCode(provider.issuer, provider.people.approver);
    expect(decodeJwt(tokens.id_token)).toMatchObject({ aud: 'hallpass-cli', sub: 'alex' });
    expect(await hallpass().verify(tokens.id_token)).toHaveProperty('problem', 'unauthenticated');
  });

  it('is of no use to somebody who stole the code', async () => {
    const stolen = signInByCode(provider.issuer, provider.people.approver, {
      verifier: 'x'.repeat(43),
    });
    await expect(stolen).rejects.toThrow(/invalid_grant/);
  });

  it('is refused without PKCE, and to a place that is not on this machine', async () => {
    const authorize = (over: Record<string, string>): Promise<Response> => {
      const query = new URLSearchParams({
        client_id: 'hallpass-cli',
        response_type: 'code',
        redirect_uri: 'http://127.0.0.1:1234/callback',
        scope: 'openid',
        ...over,
      });
      return fetch(`${provider.issuer}/auth?${query.toString()}`, { redirect: 'manual' });
    };
    const location = (await authorize({})).headers.get('location') ?? '';
    expect(new URL(location).searchParams.get('error')).toBe('invalid_request');
    const away = await authorize({
      redirect_uri: 'https://elsewhere.example/callback',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    });
    expect(away.status).toBe(400);
  });

  it('leads back to pages on this machine by TLS as well, and nobody else by that', async () => {
    const authorize = (clientId: string, redirectUri: string): Promise<Response> => {
      const query = new URLSearchParams({
        client_id: clientId,
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      });
      return fetch(`${provider.issuer}/auth?${query.toString()}`, { redirect: 'manual' });
    };
    for (const [clientId, redirectUri, status] of [
      ['hallpass-web', 'https://127.0.0.1:8080/sign-in/callback', 303],
      ['hallpass-web', 'http://127.0.0.1:8080/sign-in/callback', 303],
      ['hallpass-web', 'https://127.0.0.1.example/sign-in/callback', 400],
      ['hallpass-web', 'https://127.0.0.1:8080/elsewhere', 400],
      ['hallpass-cli', 'https://127.0.0.1:8080/callback', 400],
    ] as const)
      expect((await authorize(clientId, redirectUri)).status, redirectUri).toBe(status);
  });

  it('shows a page with everybody on it, and says so when it is opened out of turn', async () => {
    const out = await fetch(`${provider.issuer}/interaction/nothing`);
    expect(out.status).toBe(400);
    expect(await out.text()).toMatch(/start again/i);
  });
});

describe('rotating the keys', () => {
  it('keeps the tokens of before and of after acceptable, with nobody restarted', async () => {
    const own = await startIdentityProvider();
    try {
      const broker = hallpass(own);
      const before = await own.tokenFor(own.people.requester);
      expect(await broker.verify(before)).toHaveProperty('person');
      const [old] = await keyIds(own);
      await own.rotateKeys();
      expect(await keyIds(own)).toEqual([expect.not.stringContaining(String(old)), old]);
      const after = await own.tokenFor(own.people.requester);
      expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
      expect(await broker.verify(after)).toHaveProperty('person');
      expect(await broker.verify(before)).toHaveProperty('person');
      await own.rotateKeys();
      expect(await keyIds(own)).not.toContain(old);
    } finally {
      await own.close();
    }
  });
});

describe('the provider', () => {
  it('publishes no private key', async () => {
    expect(await (await fetch(provider.jwksUri)).text()).not.toMatch(/"(d|p|q|dp|dq|qi)"/);
  });

  it('says which address it was asked for, and refuses another name for it', async () => {
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'rebound.example' };
      request(`${provider.issuer}/jwks`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });

  it('takes the port that it is told, and says so when it is taken', async () => {
    const port = Number(new URL(provider.issuer).port);
    await expect(startIdentityProvider({ port })).rejects.toThrow(/EADDRINUSE/);
    const once = await startIdentityProvider();
    await once.close();
    await once.close();
    const again = await startIdentityProvider({ port: Number(new URL(once.issuer).port) });
    expect(again.issuer).toBe(once.issuer);
    await again.close();
  });

  it('writes nothing to the console', () => {
    expect(written).toEqual([]);
  });
});
