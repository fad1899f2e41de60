import { createHmac, createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { LoopbackIssuer, StandingClock } from './loopback.issuer.js';
import { base64url, refusalReason } from './refusal.reason.js';

const clock = new StandingClock();
let issuer: LoopbackIssuer;
let verifier: TokenVerifier;

beforeAll(async () => {
  issuer = await LoopbackIssuer.start(clock);
  await issuer.addKey('elliptic', 'ES256');
  await issuer.addKey('other-hash', 'RS512');
  verifier = new TokenVerifier(issuer.identity(), { clock });
});

afterAll(() => issuer.close());

const reasonAgainst = (token: string, by = verifier): Promise<string> => refusalReason(token, by);

const publicJwk = (kid: string): JWK => {
  const jwk = issuer.jwks.find((each) => each.kid === kid);
  if (!jwk) throw new Error(`no key ${kid}`);
  return jwk;
};

describe('the signature', () => {
  it('of algorithm "none" is refused, with or without a signature behind it', async () => {
    const unsigned = new UnsecuredJWT(issuer.claims()).encode();
    expect(await reasonAgainst(unsigned)).toBe('wrong-algorithm');
    expect(await reasonAgainst(`${unsigned}AAAA`)).toBe('wrong-algorithm');
    const shouting = `${base64url({ alg: 'NONE', kid: 'first' })}.${base64url(issuer.claims())}.`;
    expect(await reasonAgainst(shouting)).toBe('wrong-algorithm');
  });

  it('left away from a token that names a good algorithm is refused', async () => {
    const [header, payload] = (await issuer.sign()).split('.');
    expect(await reasonAgainst(`${header}.${payload}.`)).toBe('not-verified');
  });

  it.each(['spki-pem', 'jwk', 'modulus'])(
    "by HMAC with the issuer's public key (%s) as the secret is refused",
    async (form) => {
      const jwk = publicJwk('first');
      const secrets: Record<string, string | Buffer> = {
        'spki-pem': createPublicKey({ key: jwk, format: 'jwk' })
          .export({ type: 'spki', format: 'pem' })
          .toString(),
        jwk: JSON.stringify(jwk),
        modulus: Buffer.from(jwk.n ?? '', 'base64url'),
      };
      const signed = `${base64url({ alg: 'HS256', kid: 'first' })}.${base64url(issuer.claims())}`;
      const mac = createHmac('sha256', secrets[form] ?? '')
        .update(signed)
        .digest('base64url');
      expect(await reasonAgainst(`${signed}.${mac}`)).toBe('wrong-algorithm');
    },
  );

  it('by an algorithm that the issuer is not configured for is refused, even with its own key', async () => {
    expect(await reasonAgainst(await issuer.sign({}, { kid: 'other-hash' }))).toBe(
      'wrong-algorithm',
    );
  });

  it('by an algorithm that jsonwebtoken does not know is refused', async () => {
    const { privateKey } = await generateKeyPair('EdDSA');
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: 'EdDSA', kid: 'first' })
      .sign(privateKey);
    expect(await reasonAgainst(token)).toBe('wrong-algorithm');
  });

  it('by a stranger who uses the name of a published key is refused', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: 'RS256', kid: 'first' })
      .sign(privateKey);
    expect(await reasonAgainst(token)).toBe('not-verified');
  });

  it('does not cover claims that were changed afterwards', async () => {
    const [header, , signature] = (await issuer.sign()).split('.');
    const promoted = base64url(issuer.claims({ groups: ['hallpass-admins'] }));
    expect(await reasonAgainst(`${header}.${promoted}.${signature}`)).toBe('not-verified');
  });

  it.each([
    ['for encryption by its use', { use: 'enc' }],
    ['for another algorithm by its alg', { alg: 'RS384' }],
    ['not for verifying by its key_ops', { key_ops: ['encrypt'] }],
  ])('by a key that is %s is refused', async (_what, published) => {
    const kid = `unfit ${JSON.stringify(published)}`;
    await issuer.addKey(kid, 'RS256', published);
    const fresh = new TokenVerifier(issuer.identity(), { clock });
    expect(await reasonAgainst(await issuer.sign({}, { kid }), fresh)).toBe('wrong-key');
  });

  it('by an algorithm of another kind than the key it names is refused', async () => {
    const token = await new SignJWT(issuer.claims())
      .setProtectedHeader({ alg: 'ES256', kid: 'first' })
      .sign(issuer.privateKey('elliptic'));
    expect(await reasonAgainst(token)).toBe('wrong-key');
  });

  it.each(['weak', 'private', 'symmetric'])(
    'by a published key that is %s is refused',
    async (kind) => {
      const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
      const weak = await crypto.subtle.generateKey(
        {
          name: 'RSASSA-PKCS1-v1_5',
          modulusLength: 1024,
          publicExponent: new Uint8Array([1, 0, 1]),
          hash: 'SHA-256',
        },
        true,
        ['sign', 'verify'],
      );
      const signers = { weak: weak.privateKey, private: privateKey, symmetric: privateKey };
      const published = {
        weak: await exportJWK(weak.publicKey),
        private: await exportJWK(privateKey),
        symmetric: { kty: 'oct', k: (await exportJWK(publicKey)).n ?? '' },
      };
      const which = kind as keyof typeof signers;
      issuer.jwks.push({ ...published[which], kid: kind });
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: kind })).toString('base64url');
      const signed = `${header}.${base64url(issuer.claims())}`;
      const signature = await crypto.subtle.sign(
        'RSASSA-PKCS1-v1_5',
        signers[which],
        new TextEncoder().encode(signed),
      );
      const token = `${signed}.${Buffer.from(signature).toString('base64url')}`;
      const fresh = new TokenVerifier(issuer.identity(), { clock });
      expect(await reasonAgainst(token, fresh)).toBe('unknown-key');
    },
  );
});

describe('a key that the token itself brings along', () => {
  it.each(['jwk', 'jku', 'x5u'])('by %s is not used, nor fetched', async (how) => {
    const attacker = await LoopbackIssuer.start(clock);
    try {
      const brought = await attacker.rotateTo('theirs');
      const header = {
        jwk: { jwk: brought },
        jku: { jku: `${attacker.url}/keys` },
        x5u: { x5u: `${attacker.url}/keys` },
      }[how];
      const token = await new SignJWT(issuer.claims())
        .setProtectedHeader({ alg: 'RS256', kid: 'theirs', ...header })
        .sign(attacker.privateKey('theirs'));
      expect(await reasonAgainst(token)).toBe('unknown-key');
      expect(attacker.requests).toEqual([]);
    } finally {
      await attacker.close();
    }
  });
});
