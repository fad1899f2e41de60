import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { withoutSecrets } from './secret.patterns.js';
import { toldError } from './told.error.js';
import { toldFacts } from './told.facts.js';

const SECRET = 'hunter2hunter2';
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJyb2JpbiJ9.c2lnbmF0dXJlLW9mLWl0';

describe('an error in the log', () => {
  it('has its type, message, code, status, places and causes', () => {
    const cause = Object.assign(new TypeError('no such host'), { code: 'ENOTFOUND' });
    const told = toldError(Object.assign(new Error('it failed', { cause }), { statusCode: 502 }));
    expect(told).toEqual({
      type: 'Error',
      message: 'it failed',
      stack: expect.stringMatching(/^ {4}at .*told\.error\.test\.ts/),
      statusCode: 502,
      cause: {
        type: 'TypeError',
        message: 'no such host',
        code: 'ENOTFOUND',
        stack: expect.stringMatching(/^ {4}at /),
      },
    });
  });

  it('has what an API server said, where that is what was kept of it', () => {
    const status = {
      reason: 'Forbidden',
      message: 'pods "web" is forbidden',
      details: { uid: SECRET },
    };
    expect(toldError({ failure: 'refused', definite: true, httpStatus: 403, status })).toEqual({
      type: 'Object',
      message: 'pods "web" is forbidden',
      code: 'refused',
      statusCode: 403,
    });
  });

  it('has nothing else of what it carries, however it is nested, and is no larger than is bearable', () => {
    const part = fc.string().map((text) => `${text}${SECRET}`);
    const carried = fc.dictionary(
      fc.string().filter((name) => !ALLOWED.has(name)),
      fc.oneof(
        part,
        fc.array(part),
        fc.dictionary(fc.string(), fc.oneof(part, fc.jsonValue())),
        part.map((text) => new Map([[text, text]])),
      ),
    );
    const error = fc.letrec<{ error: unknown }>((tie) => ({
      error: fc
        .record({
          carried,
          cause: fc.option(tie('error'), { nil: undefined, maxDepth: 4 }),
          errors: fc.option(fc.array(tie('error'), { maxLength: 3 }), {
            nil: undefined,
            maxDepth: 3,
          }),
          isPlain: fc.boolean(),
        })
        .map(({ carried: more, cause, errors, isPlain }) => {
          const made = isPlain ? {} : new Error('it failed');
          return Object.assign(made, Object.fromEntries(Object.entries(more)), {
            ...(cause === undefined ? {} : { cause }),
            ...(errors === undefined ? {} : { errors }),
          });
        }),
    })).error;
    fc.assert(
      fc.property(error, (thrown) => {
        const text = JSON.stringify(toldFacts({ err: thrown, more: { deep: [thrown] } }));
        // What is no error and stands where no error is expected is a fact like any other.
        const told = JSON.stringify(toldError(thrown));
        expect(told).not.toContain(SECRET);
        if (thrown instanceof Error) expect(text).not.toContain(SECRET);
        expect(told.length).toBeLessThan(100_000);
      }),
      { numRuns: 50 },
    );
  });

  it('is told whatever was thrown: circles, traps, and what is none', () => {
    const circle = new Error('round');
    circle.cause = circle;
    expect(toldError(circle)).toMatchObject({ message: 'round', cause: '(told above)' });
    const trap = new Proxy(new Error('trap'), {
      get: () => {
        throw new Error(SECRET);
      },
    });
    expect(toldError(trap)).toEqual({ type: 'Error', message: '' });
    let deep = new Error('innermost');
    for (let at = 0; at < 50; at++) deep = new Error(`level ${at}`, { cause: deep });
    expect(JSON.stringify(toldError(deep)).match(/level/g)).toHaveLength(6);
    expect(toldError(undefined)).toBe('(undefined)');
    expect(toldError(null)).toBe('(null)');
    expect(toldError(`thrown: Bearer ${JWT}`)).toBe('thrown: Bearer [redacted]');
    const long = toldError(new Error('x'.repeat(1_000_000)));
    expect(JSON.stringify(long).length).toBeLessThan(8_000);
  });

  it('has no secret in its type, its code or its stack', () => {
    const error = Object.assign(new Error(`first\n    at password=${SECRET}\nlast`), {
      name: `not a word: ${SECRET}`,
      code: `not a word: ${SECRET}`,
    });
    Object.defineProperty(error, 'constructor', { value: { name: `not a word: ${SECRET}` } });
    const told = toldError(error);
    expect(told).toMatchObject({ type: 'Error' });
    expect(told).not.toHaveProperty('code');
    expect(JSON.stringify(told)).not.toContain(SECRET);
  });
});

/** What is read of an error at all. */
const ALLOWED = new Set([
  ...['message', 'stack', 'code', 'statusCode', 'httpStatus', 'failure', 'status', 'cause'],
  ...['errors', 'name', 'constructor', '__proto__'],
]);

describe('a text in the log', () => {
  it.each([
    [`postgresql://user:${SECRET}@db:5432/hallpass`, 'postgresql://[redacted]@db:5432/hallpass'],
    [`no way to postgres://u:p@ss/${SECRET}@db/x now`, 'no way to postgres://[redacted]@db/x now'],
    [`https://${SECRET}@host/path`, 'https://[redacted]@host/path'],
    [`Authorization: Bearer ${SECRET}`, 'Authorization: [redacted] [redacted]'],
    [`was sent with bearer ${JWT}.`, 'was sent with bearer [redacted]'],
    [`Basic ${Buffer.from(SECRET).toString('base64')}`, 'Basic [redacted]'],
    [`the token ${JWT} is old`, 'the token [redacted] is old'],
    [`GET https://host/a?sig=${SECRET}&b=1 failed`, 'GET https://host/a?[redacted] failed'],
    [`/v1/sessions/x/terminal?ticket=${SECRET}`, '/v1/sessions/x/terminal?ticket=[redacted]'],
    [`host=db password=${SECRET} user=hallpass`, 'host=db password=[redacted] user=hallpass'],
    [`{"password": "${SECRET}", "user": "a"}`, '{"password": "[redacted]", "user": "a"}'],
    [`{\\"client_secret\\":\\"${SECRET}\\"}`, '{\\"client_secret\\":\\"[redacted]\\"}'],
    [`client-key-data: ${SECRET}`, 'client-key-data: [redacted]'],
    [
      `users:\n- name: u\n  user:\n    client-certificate-data: ${SECRET}\n    client-key-data: ${SECRET}==\n    token: ${SECRET}\n`,
      'users:\n- name: u\n  user:\n    client-certificate-data: [redacted]\n    client-key-data: [redacted]\n    token: [redacted]\n',
    ],
    [
      `{"user":{"client-certificate-data":"${SECRET}","client-key-data":"${SECRET}"}}`,
      '{"user":{"client-certificate-data":"[redacted]","client-key-data":"[redacted]"}}',
    ],
    [
      `read "user: {client-key-data: '${SECRET}', token: '${SECRET}'}\\n    token:   \\"${SECRET}\\"\\n    token:     ${SECRET}\\n"`,
      `read "user: {client-key-data: '[redacted]', token: '[redacted]'}\\n    token:   \\"[redacted]\\"\\n    token:     [redacted]\\n"`,
    ],
    [`token: >-\n      ${SECRET}\n`, 'token: >-\n      [redacted]\n'],
    [`x-vault-token: ${SECRET}`, 'x-vault-token: [redacted]'],
    [`set-cookie: a=${SECRET}; Path=/`, 'set-cookie: [redacted]; Path=/'],
    ['xoxb-12345-67890-abcdef was refused', '[redacted] was refused'],
    [`https://hooks.slack.com/services/T0/B0/${SECRET}`, 'https://hooks.slack.com/[redacted]'],
    [`whsec_${SECRET}`, '[redacted]'],
    [`PRIVATE+KEY+log+0011aabb+${SECRET}`, '[redacted]'],
    [
      `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
      '[redacted]-----END PRIVATE KEY-----',
    ],
  ])('without its secret: %s', (text, told) => {
    expect(withoutSecrets(text)).toBe(told);
    expect(withoutSecrets(told)).toBe(told);
    expect(toldFacts({ detail: text, list: [{ text }] })).toEqual({
      detail: told,
      list: [{ text: told }],
    });
  });

  it.each([
    'the cluster answers again',
    'no replica answers at http://127.0.0.1:9090',
    'pods "web" is forbidden: User "system:serviceaccount:hallpass:hallpass" cannot get resource "pods"',
    'an on-call source has no secret for its host',
    'hallpass.sandbox/busybox@sha256:0123456789',
    'file:///app/node_modules/@kubernetes/client-node/dist/api.js:12:3',
    '— log.example/hallpass AAAAAbbbbCCCC+/==',
    'robin@example.com asked for web in staging',
  ])('stays as it is where it has none: %s', (text) => {
    expect(withoutSecrets(text)).toBe(text);
  });

  it('however long and hostile, is looked through in no time', () => {
    const hostile = [
      'a://'.repeat(50_000),
      'token='.repeat(30_000),
      `password: ${'\\"'.repeat(5_000)}`,
    ];
    const beganMs = computedMs();
    for (const text of hostile) withoutSecrets(text);
    expect(computedMs() - beganMs).toBeLessThan(2_000);
  });
});
