import { CompactSign } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { AUDIENCE, LoopbackIssuer, StandingClock } from './loopback.issuer.js';
import { refusalReason } from './refusal.reason.js';

const clock = new StandingClock();
let issuer: LoopbackIssuer;
let verifier: TokenVerifier;

beforeAll(async () => {
  issuer = await LoopbackIssuer.start(clock);
  await issuer.addKey('elliptic', 'ES256');
  verifier = new TokenVerifier(issuer.identity(), { clock });
});

afterAll(() => issuer.close());

const reasonAgainst = (token: string, by = verifier): Promise<string> => refusalReason(token, by);

describe('the claims', () => {
  const refused: [string, Record<string, unknown>, string][] = [
    ['from no issuer', { iss: undefined }, 'unknown-issuer'],
    ['from an issuer that nobody trusts', { iss: 'https://elsewhere.example' }, 'unknown-issuer'],
    ['for another service', { aud: 'payments' }, 'wrong-audience'],
    ['for a service whose name begins alike', { aud: `${AUDIENCE}-staging` }, 'wrong-audience'],
    ['for nobody', { aud: undefined }, 'wrong-audience'],
    ['for an empty list', { aud: [] }, 'wrong-audience'],
    ['that never expire', { exp: undefined }, 'unusable-claims'],
    ['without a subject', { sub: undefined }, 'unusable-claims'],
    ['with an empty subject', { sub: '' }, 'unusable-claims'],
  ];
  it.each(refused)('%s are refused', async (_what, over, reason) => {
    expect(await reasonAgainst(await issuer.sign(over))).toBe(reason);
  });

  it.each([
    ['exp as text', { exp: '9999999999' }, 'not-verified'],
    ['exp beyond every date', { exp: 1e300 }, 'unusable-claims'],
    ['nbf as text', { nbf: 'soon' }, 'not-verified'],
    ['iat as text', { iat: 'now' }, 'unusable-claims'],
    ['sub as a number', { sub: 7 }, 'unusable-claims'],
    ['iss as a list', { iss: ['a'] }, 'unknown-issuer'],
  ])('of the wrong kind are refused: %s', async (_what, over, reason) => {
    const body = JSON.stringify({ ...issuer.claims(), ...over });
    const token = await new CompactSign(new TextEncoder().encode(body))
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .sign(issuer.privateKey('first'));
    expect(await reasonAgainst(token)).toBe(reason);
  });

  it('of the issuer with a slash too many are refused', async () => {
    expect(await reasonAgainst(await issuer.sign({ iss: `${issuer.url}/` }))).toBe(
      'unknown-issuer',
    );
  });
});

describe('the clock', () => {
  it('may be behind the issuer by 60 seconds and no more when it comes to "not before"', async () => {
    const now = clock.seconds;
    expect(await verifier.verify(await issuer.sign({ nbf: now + 60 }))).toHaveProperty('person');
    expect(await reasonAgainst(await issuer.sign({ nbf: now + 61 }))).toBe('not-yet-valid');
  });

  it('may be behind the issuer by 60 seconds and no more when it comes to "issued at"', async () => {
    const now = clock.seconds;
    expect(await verifier.verify(await issuer.sign({ iat: now + 60 }))).toHaveProperty('person');
    expect(await reasonAgainst(await issuer.sign({ iat: now + 61 }))).toBe('not-yet-valid');
  });

  it('may be ahead of the issuer by less than 60 seconds when it comes to expiry', async () => {
    const now = clock.seconds;
    expect(await verifier.verify(await issuer.sign({ exp: now - 59 }))).toHaveProperty('person');
    expect(await reasonAgainst(await issuer.sign({ exp: now - 60 }))).toBe('expired');
  });

  it('ends a token at the second it expires when no skew is allowed', async () => {
    const strict = new TokenVerifier(issuer.identity({}, 0), { clock });
    const now = clock.seconds;
    expect(await strict.verify(await issuer.sign({ exp: now + 1 }))).toHaveProperty('person');
    expect(await reasonAgainst(await issuer.sign({ exp: now }), strict)).toBe('expired');
  });
});

describe('several issuers', () => {
  it('are each held to their own keys, audience and algorithms', async () => {
    const second = await LoopbackIssuer.start(clock);
    try {
      await second.addKey('elliptic', 'ES256');
      const both = new TokenVerifier(
        {
          issuers: [
            issuer.settings({ algorithms: ['RS256'] }),
            second.settings({ audience: 'second-audience', algorithms: ['ES256'] }),
          ],
          clockSkewSeconds: 0,
        },
        { clock },
      );
      const kid = 'elliptic';
      const aud = 'second-audience';
      expect(await both.verify(await issuer.sign())).toHaveProperty('person.iss', issuer.url);
      expect(await both.verify(await second.sign({ aud }, { kid }))).toHaveProperty(
        'person.iss',
        second.url,
      );
      expect(await reasonAgainst(await issuer.sign({ aud }), both)).toBe('wrong-audience');
      expect(await reasonAgainst(await issuer.sign({}, { kid }), both)).toBe('wrong-algorithm');
      expect(await reasonAgainst(await second.sign({ aud }), both)).toBe('wrong-algorithm');
      const impersonating = await second.sign({ iss: issuer.url }, { kid: 'first' });
      expect(await reasonAgainst(impersonating, both)).toBe('not-verified');
    } finally {
      await second.close();
    }
  });
});

describe('settings that are unsafe', () => {
  it.each([
    ['keys over plain HTTP', { jwksUri: 'http://keys.example.com/' }, 60],
    ['an issuer over plain HTTP', { issuer: 'http://login.example.com' }, 60],
    ['keys from a host that only looks local', { jwksUri: 'http://127.0.0.1.example.com/' }, 60],
    ['a clock skew of more than a minute', {}, 61],
    ['a clock skew that is negative', {}, -1],
    ['no audience', { audience: '' }, 60],
    ['no algorithm', { algorithms: [] }, 60],
  ])('are refused at start-up: %s', (_what, over, skew) => {
    expect(() => new TokenVerifier(issuer.identity(over, skew))).toThrow(/identity/);
  });

  it('are refused at start-up: one issuer twice', () => {
    const issuers = [issuer.settings(), issuer.settings({ audience: 'other' })];
    expect(() => new TokenVerifier({ issuers, clockSkewSeconds: 0 })).toThrow(/twice/);
  });
});

describe('which of two tokens is newer', () => {
  it('is told by iat, and by the expiry where there is none', async () => {
    const issued = clock.seconds - 5;
    const dated = await verifier.verify(await issuer.sign({ iat: issued }));
    expect(dated).toMatchObject({ signIn: { issuedAt: issued } });
    const exp = clock.seconds + 60;
    const undated = await verifier.verify(await issuer.sign({ iat: undefined, exp }));
    expect(undated).toMatchObject({ signIn: { issuedAt: exp } });
  });
});

describe('accounts of one human', () => {
  it('are known by the list of people, for the issuer that it names', async () => {
    const account = { issuer: issuer.url, subject: 'robin' };
    const people = [{ human: 'Robin', accounts: [account] }];
    const knowing = new TokenVerifier({ ...issuer.identity(), people }, { clock });
    expect(await knowing.verify(await issuer.sign())).toMatchObject({ person: { human: 'Robin' } });
    const other = await knowing.verify(await issuer.sign({ sub: 'robin-admin' }));
    expect(other).not.toHaveProperty('person.human');
  });

  it('are not two humans’', () => {
    const accounts = [{ issuer: issuer.url, subject: 'robin' }];
    const people = [
      { human: 'robin', accounts },
      { human: 'alex', accounts },
    ];
    expect(() => new TokenVerifier({ ...issuer.identity(), people })).toThrow(/twice/);
  });
});
