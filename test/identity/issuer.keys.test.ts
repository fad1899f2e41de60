import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenVerifier } from '../../src/adapters/oidc/token.verifier.js';
import type { Problem } from '../../src/domain/problem.js';
import { tookMs } from '../support/own.time.js';
import { LoopbackIssuer, StandingClock } from './loopback.issuer.js';

let clock: StandingClock;
let issuer: LoopbackIssuer;
let verifier: TokenVerifier;
let failures: string[];

beforeEach(async () => {
  clock = new StandingClock();
  issuer = await LoopbackIssuer.start(clock);
  failures = [];
  verifier = made();
});

afterEach(() => issuer.close());

function made(over: { jwksUri?: string } = {}): TokenVerifier {
  return new TokenVerifier(issuer.identity(over), {
    clock,
    refetchIntervalSeconds: 10,
    onFetchFailed: (_issuer, cause) => void failures.push(String(cause)),
  });
}

const accepted = expect.objectContaining({ person: expect.anything() as unknown }) as unknown;
const refused = expect.objectContaining({ problem: 'unauthenticated' }) as unknown;
const unavailable = expect.objectContaining({ problem: 'identity-unavailable' }) as unknown;

describe('the keys of an issuer', () => {
  it('are found by discovery, and fetched once for a thousand requests', async () => {
    const token = await issuer.sign();
    for (let request = 0; request < 1_000; request += 1) {
      expect(await verifier.verify(token)).toEqual(accepted);
    }
    expect(issuer.requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('are fetched from the configured address when there is one, without discovery', async () => {
    verifier = made({ jwksUri: `${issuer.url}/keys` });
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
    expect(issuer.requests).toEqual(['/keys']);
  });

  it('are fetched once for all who ask at the same moment', async () => {
    const token = await issuer.sign();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
    expect(outcomes).toEqual(Array.from({ length: 50 }, () => accepted));
    expect(issuer.fetchesOf('/keys')).toBe(1);
  });

  it('are not fetched before somebody brings a token from that issuer', async () => {
    expect(await verifier.verify('nonsense')).toEqual(refused);
    expect(await verifier.verify(await issuer.sign({ iss: 'https://other' }))).toEqual(refused);
    expect(issuer.requests).toEqual([]);
  });

  it('need no key id in the token while exactly one of them fits', async () => {
    const anonymous = await issuer.sign({}, { kid: undefined as unknown as string });
    expect(await verifier.verify(anonymous)).toEqual(accepted);
    await issuer.addKey('second');
    clock.advance(3_600);
    const later = await issuer.sign({}, { kid: undefined as unknown as string });
    await verifier.verify(later);
    await expect.poll(() => verifier.verify(later)).toEqual(refused);
  });
});

describe('rotation', () => {
  it('is noticed at the first token that names the new key', async () => {
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
    await issuer.rotateTo('second');
    expect(await verifier.verify(await issuer.sign({}, { kid: 'second' }))).toEqual(accepted);
    expect(issuer.fetchesOf('/keys')).toBe(2);
  });

  it('ends the tokens of a withdrawn key, though nobody names a new one', async () => {
    const token = await issuer.sign({ exp: clock.seconds + 7_200 });
    expect(await verifier.verify(token)).toEqual(accepted);
    await issuer.rotateTo('second');
    expect(await verifier.verify(token)).toEqual(accepted);
    clock.advance(600);
    await verifier.verify(token); // served from memory; the look at the issuer is in the background
    await expect.poll(() => verifier.verify(token)).toEqual(refused);
  });

  it('of key ids that nobody published costs the issuer one fetch in ten seconds', async () => {
    const good = await issuer.sign();
    expect(await verifier.verify(good)).toEqual(accepted);
    for (let guess = 0; guess < 20; guess += 1) {
      expect(await verifier.verify(await issuer.sign({}, { kid: `guess ${guess}` }))).toEqual(
        refused,
      );
    }
    expect(issuer.fetchesOf('/keys')).toBe(2);
    clock.advance(9.9);
    await verifier.verify(await issuer.sign({}, { kid: 'too soon' }));
    expect(issuer.fetchesOf('/keys')).toBe(2);
    clock.advance(0.1);
    await verifier.verify(await issuer.sign({}, { kid: 'in time' }));
    expect(issuer.fetchesOf('/keys')).toBe(3);
    expect(await verifier.verify(good)).toEqual(accepted);
  });

  it('is still noticed when our clock was set back by a day', async () => {
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
    await verifier.verify(await issuer.sign({}, { kid: 'unknown' }));
    clock.advance(-86_400);
    await issuer.addKey('second');
    expect(await verifier.verify(await issuer.sign({}, { kid: 'second' }))).toEqual(accepted);
  });
});

describe('an issuer that cannot be reached', () => {
  it('leaves known keys in use', async () => {
    const token = await issuer.sign({ exp: clock.seconds + 7_200 });
    expect(await verifier.verify(token)).toEqual(accepted);
    await issuer.close();
    clock.advance(3_600);
    expect(await verifier.verify(token)).toEqual(accepted);
    await expect.poll(() => failures.length).toBe(1);
    expect(await verifier.verify(token)).toEqual(accepted);
  });

  it('is not believed for ever: after a day without it nobody gets in', async () => {
    const token = await issuer.sign({ exp: clock.seconds + 1_000_000 });
    expect(await verifier.verify(token)).toEqual(accepted);
    await issuer.close();
    clock.advance(86_400);
    expect(await verifier.verify(token)).toEqual(unavailable);
  });

  it('makes "try again soon" of a token that cannot be judged, and not "sign in"', async () => {
    await issuer.close();
    const outcome = (await verifier.verify(await issuer.sign())) as Problem;
    expect(outcome).toEqual(unavailable);
    expect(outcome.retryAfterSeconds).toBe(10);
    expect(outcome.cause).toBeInstanceOf(Error);
    expect(outcome.detail).not.toContain('127.0.0.1');
  });

  it('makes the same of a key id that may be new', async () => {
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
    await issuer.close();
    expect(await verifier.verify(await issuer.sign({}, { kid: 'second' }))).toEqual(unavailable);
  });

  it('is asked once in ten seconds, and let back in when it answers', async () => {
    issuer.fault = (_request, response) => response.writeHead(503).end();
    const token = await issuer.sign();
    for (let request = 0; request < 5; request += 1) {
      expect(await verifier.verify(token)).toEqual(unavailable);
    }
    expect(issuer.requests).toHaveLength(1);
    issuer.fault = undefined;
    expect(await verifier.verify(token)).toEqual(unavailable);
    clock.advance(10);
    expect(await verifier.verify(token)).toEqual(accepted);
  });

  it('is given up after five seconds of silence', { timeout: 30_000 }, async () => {
    issuer.fault = () => undefined;
    const startedAt = performance.now();
    const verifying = async () =>
      expect(await verifier.verify(await issuer.sign())).toEqual(unavailable);
    expect(await tookMs(verifying)).toBeLessThan(8_000);
    expect(performance.now() - startedAt).toBeGreaterThan(4_900);
  });
});

describe('an issuer that answers with', () => {
  type Fault = (request: IncomingMessage, response: ServerResponse) => void;
  const answers =
    (body: string): Fault =>
    (_request, response) =>
      response.end(body);
  const faults: [string, Fault][] = [
    ['nothing', answers('')],
    ['a page', answers('<html>')],
    ['null', answers('null')],
    ['no list of keys', answers('{"keys":7}')],
    ['more keys than anybody has', answers(JSON.stringify({ keys: Array(101).fill({}) }))],
    [
      'a document without end',
      (_request, response) => {
        response.on('error', () => undefined);
        const more = (): void => {
          while (response.write('x'.repeat(65_536)));
          response.once('drain', more);
        };
        more();
      },
    ],
    [
      'a redirect',
      (request, response) => {
        if (request.url === '/elsewhere') response.end(JSON.stringify({ keys: issuer.jwks }));
        else response.writeHead(302, { location: '/elsewhere' }).end();
      },
    ],
    [
      'half an answer',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"keys"');
        response.destroy();
      },
    ],
  ];
  it.each(faults)('%s counts as one that cannot be reached', async (_what, fault) => {
    verifier = made({ jwksUri: `${issuer.url}/keys` });
    issuer.fault = fault;
    const verifying = async () =>
      expect(await verifier.verify(await issuer.sign())).toEqual(unavailable);
    // long before the time limit: nothing of this is waited for
    expect(await tookMs(verifying)).toBeLessThan(4_000);
    expect(failures).toHaveLength(1);
    issuer.fault = undefined;
    clock.advance(10);
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
  });

  it('an empty list has withdrawn its keys: nobody gets in', async () => {
    issuer.jwks = [];
    expect(await verifier.verify(await issuer.sign())).toEqual(refused);
  });

  it('keys that nobody understands among good ones is still understood', async () => {
    const strange = [{ kty: 'AKP', kid: 'new' }, { kty: 'RSA', n: '!', e: 'AQAB' }, { kty: 'EC' }];
    issuer.jwks.unshift(...strange, 7 as unknown as (typeof strange)[0]);
    expect(await verifier.verify(await issuer.sign())).toEqual(accepted);
  });
});

describe('discovery', () => {
  const misleading: [string, (port: string) => Record<string, unknown>][] = [
    ['speaks for another issuer', () => ({ issuer: 'https://elsewhere.example' })],
    ['names no keys', () => ({ jwks_uri: undefined })],
    // the same server by an address that is not a loopback one: it would answer
    ['leads to plain HTTP elsewhere', (port) => ({ jwks_uri: `http://0.0.0.0:${port}/keys` })],
    ['leads to a file', () => ({ jwks_uri: 'file:///etc/passwd' })],
    ['leads nowhere', () => ({ jwks_uri: 'keys' })],
  ];
  it.each(misleading)('is not followed when it %s', async (_what, metadata) => {
    issuer.metadata = metadata(new URL(issuer.url).port);
    expect(await verifier.verify(await issuer.sign())).toEqual(unavailable);
    expect(issuer.fetchesOf('/keys')).toBe(0);
  });
});
