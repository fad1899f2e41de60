import fc from 'fast-check';
import { CompactEncrypt, CompactSign, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import { AUDIENCE, LoopbackIssuer, StandingClock } from './loopback.issuer.js';
import { base64url, refusalReason } from './refusal.reason.js';

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

describe('a token of the trusted issuer', () => {
  it.each(['first', 'elliptic'])('is accepted when signed with its key %s', async (kid) => {
    const outcome = await verifier.verify(await issuer.sign({ groups: ['oncall'] }, { kid }));
    expect(outcome).toEqual({
      person: { iss: issuer.url, sub: 'robin', groups: ['oncall'] },
      signIn: { issuedAt: clock.seconds },
      expiresAt: new Date((clock.seconds + 3600) * 1000),
    });
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', undefined])(
    'is accepted with the type %s',
    async (typ) => {
      const header = { alg: 'RS256', kid: 'first', ...(typ !== undefined && { typ }) };
      const token = await new SignJWT(issuer.claims())
        .setProtectedHeader(header)
        .sign(issuer.privateKey('first'));
      expect(await verifier.verify(token)).toHaveProperty('person.sub', 'robin');
    },
  );

  it('is accepted when it is for several audiences and Hallpass is one of them', async () => {
    const token = await issuer.sign({ aud: ['payments', AUDIENCE] });
    expect(await verifier.verify(token)).toHaveProperty('person.sub', 'robin');
  });
});

describe('the header', () => {
  it('with an extension that is critical is refused', async () => {
    const token = await issuer.sign({}, { crit: ['urn:x'], 'urn:x': 1 });
    expect(await reasonAgainst(token)).toBe('unsupported-header');
  });

  it.each(['dpop+jwt', 'logout+jwt', 'id_token+jwt', 'secevent+jwt', ''])(
    'of type "%s" is refused: it is no access token',
    async (typ) => {
      expect(await reasonAgainst(await issuer.sign({}, { typ }))).toBe('wrong-type');
    },
  );

  it('that says a thing twice counts by the last, for choosing the rules and for verifying alike', async () => {
    const twice = Buffer.from('{"alg":"none","kid":"first","alg":"RS256"}').toString('base64url');
    const signed = `${twice}.${base64url(issuer.claims())}`;
    expect(await reasonAgainst(`${signed}.`)).toBe('not-verified');
    const reversed = Buffer.from('{"alg":"RS256","kid":"first","alg":"none"}').toString(
      'base64url',
    );
    expect(await reasonAgainst(`${reversed}.${base64url(issuer.claims())}.`)).toBe(
      'wrong-algorithm',
    );
  });
});

describe('what is no signed token', () => {
  it.each([
    ['nothing', ''],
    ['a word', 'robin'],
    ['two parts', 'e30.e30'],
    ['four parts', 'e30.e30.e30.e30'],
    ['empty parts', '..'],
    ['a header that is an array', 'W10.e30.AAAA'],
    ['a header without an algorithm', 'e30.e30.AAAA'],
    ['a payload that is text', `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.ImEi.AAAA`],
    [
      'a payload that is null',
      `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.bnVsbA.AAAA`,
    ],
    [
      'a payload that is not UTF-8',
      `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{"sub":"\xff"}', 'latin1').toString('base64url')}.AAAA`,
    ],
    ['characters of plain base64', 'e30=.e30=.AA+/'],
    ['a line break inside', 'e30.\ne30.AAAA'],
  ])('is refused: %s', async (_what, token) => {
    expect(await reasonAgainst(token)).toBe('malformed');
  });

  it('is refused, and never by an exception: any text', async () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.jsonValue(), fc.jsonValue(), fc.base64String())
        .map(
          ([header, payload, signature]) =>
            `${base64url(header)}.${base64url(payload)}.${signature}`,
        ),
      fc
        .dictionary(fc.constantFrom('alg', 'kid', 'typ', 'crit', '__proto__'), fc.jsonValue())
        .map(
          (header) =>
            `${base64url({ alg: 'RS256', ...header })}.${base64url(issuer.claims())}.AAAA`,
        ),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await verifier.verify(text)).toHaveProperty('problem', 'unauthenticated');
      }),
    );
  });

  it('is refused: a good token with one character of header or claims changed', async () => {
    const token = await issuer.sign();
    const signedLength = token.lastIndexOf('.');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(signedLength - 1),
        fc.constantFrom(...'ABCyz019-_.'),
        async (position, character) => {
          fc.pre(token[position] !== character);
          const changed = token.slice(0, position) + character + token.slice(position + 1);
          expect(await verifier.verify(changed)).toHaveProperty('problem', 'unauthenticated');
        },
      ),
    );
  });

  it('is refused: a token inside a token', async () => {
    const token = await new CompactSign(new TextEncoder().encode(await issuer.sign()))
      .setProtectedHeader({ alg: 'RS256', kid: 'first', cty: 'JWT' })
      .sign(issuer.privateKey('first'));
    expect(await reasonAgainst(token)).toBe('malformed');
  });

  it('is refused: an encrypted token', async () => {
    const { publicKey } = await generateKeyPair('RSA-OAEP');
    const token = await new CompactEncrypt(new TextEncoder().encode('{}'))
      .setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A128GCM' })
      .encrypt(publicKey);
    expect(await reasonAgainst(token)).toBe('malformed');
  });

  it('is refused: a token of more than 16 kB, however good it is', async () => {
    expect(await reasonAgainst(await issuer.sign({ padding: 'x'.repeat(16_384) }))).toBe(
      'too-large',
    );
  });
});
