import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusal } from './resilient.http.js';
import { RETRY_LIMITS, retryWaitMs, wasNotSent } from './retry.policy.js';

const limits = RETRY_LIMITS;
const refused = (httpStatus: number, retryAfter?: string, body = '') =>
  refusal({ httpStatus, retryAfter, body });
const wait = (
  failure: ReturnType<typeof refused>,
  over: Partial<Parameters<typeof retryWaitMs>[0]> = {},
) =>
  retryWaitMs({
    failure,
    method: 'PATCH',
    tries: 1,
    leftMs: 60_000,
    limits,
    random: () => 0.5,
    ...over,
  });
const coded = (code: string) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });

describe('another try', () => {
  it.each([409, 429, 500, 502, 503, 504])('is made after %i', (httpStatus) => {
    expect(wait(refused(httpStatus))).toBe(100);
  });

  it.each([400, 401, 403, 404, 415, 422])('is not made after %i', (httpStatus) => {
    expect(wait(refused(httpStatus))).toBeUndefined();
  });

  it('waits as long as the server asks, and not at all where it asks for too long', () => {
    expect(wait(refused(429, '2'))).toBe(2_000);
    expect(wait(refused(429, '60'))).toBeUndefined();
  });

  it('is not made for an eviction that a conflict or a disruption budget has settled', () => {
    const budget = JSON.stringify({ details: { causes: [{ reason: 'DisruptionBudget' }] } });
    expect(wait(refused(429, undefined, budget), { method: 'POST' })).toBeUndefined();
    expect(wait(refused(409), { method: 'POST' })).toBeUndefined();
  });

  it('is not made of a peer that is not who it should be', () => {
    const cause = coded('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(wait({ failure: 'silent', definite: true, cause })).toBeUndefined();
    expect(wait({ failure: 'silent', definite: false, cause: coded('ECONNRESET') })).toBe(100);
  });

  it('never outlasts the call, nor comes more often than allowed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 20_000, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.constantFrom(undefined, '0', '1', '3', '100', 'Wed, 21 Oct 2026 07:28:00 GMT'),
        (tries, leftMs, random, retryAfter) => {
          const waitMs = wait(refused(503, retryAfter), { tries, leftMs, random: () => random });
          if (waitMs === undefined) return;
          expect(tries).toBeLessThan(limits.attemptsMax);
          expect(waitMs).toBeLessThan(leftMs);
          expect(waitMs).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('a request is known not to have been sent', () => {
  it.each(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'after %s',
    (code) => {
      expect(wasNotSent(coded(code))).toBe(true);
    },
  );

  it.each(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'])('not after %s', (code) => {
    expect(wasNotSent(coded(code))).toBe(false);
  });

  it('not after a time limit', () => {
    expect(wasNotSent(new DOMException('timeout', 'TimeoutError'))).toBe(false);
  });

  it('where every address of a name refused the connection', () => {
    const each = ['ECONNREFUSED', 'EHOSTUNREACH'].map((code) =>
      Object.assign(new Error(code), { code }),
    );
    const all = Object.assign(new AggregateError(each), { code: 'ECONNREFUSED' });
    expect(wasNotSent(new TypeError('fetch failed', { cause: all }))).toBe(true);
  });
});
