import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ProblemDocument } from '../../src/contract/problem.schema.js';
import type { Answer, Api, Call } from '../support/http.api.js';
import { REQUEST, startApi } from '../support/http.api.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const post = (body: unknown, more: Partial<Call> = {}) =>
  api.call('requestSession', { who: 'robin', method: 'POST', path: '/v1/sessions', body, ...more });

/** Every refusal has the same shape, and shows nothing of the inside. */
function expectProblem(answer: Answer, expected: string): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const document = ProblemDocument.parse(answer.body);
  expect(`${answer.status} ${document.type.split(':').at(-1)}`).toBe(expected);
  expect(document.status).toBe(answer.status);
  expect(document.instance).toBe(`urn:request:${answer.headers.get('x-request-id')}`);
  expect(answer.text).not.toMatch(/node_modules|\.[jt]s:\d+|at \w+ \(|stack/);
}

describe('what the framework refuses is a problem like any other', () => {
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  /** A whole request with one member more. */
  const and = (member: string) => `${JSON.stringify(REQUEST).slice(0, -1)},${member}}`;
  const TABLE: [string, string, Partial<Call>][] = [
    ['JSON that is cut', '400 invalid-request', { body: '{"reason": "x' }],
    ['no JSON at all', '400 invalid-request', { body: 'reason=x' }],
    ['no body', '400 invalid-request', { body: undefined }],
    ['an empty body', '400 invalid-request', { body: '' }],
    ['a member twice', '400 invalid-request', { body: and('"reason":"x"') }],
    ['a member twice, once escaped', '400 invalid-request', { body: and('"\\u0072eason":"x"') }],
    [
      'a member twice, deep inside',
      '400 invalid-request',
      { body: JSON.stringify(REQUEST).replace('"pod":', '"pod":"db","pod":') },
    ],
    ['a name that is half a character', '422 invalid-fields', { body: and('"\\ud800":1') }],
    ['a body nested without end', '400 invalid-request', { body: deep(20_000) }],
    ['a body nested a little too deep', '400 invalid-request', { body: deep(33) }],
    ['a body of 1 MB', '413 too-large', { body: { ...REQUEST, reason: 'x'.repeat(1_000_000) } }],
    [
      'a form',
      '415 unsupported-media-type',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    ['text', '415 unsupported-media-type', { headers: { 'content-type': 'text/plain' } }],
    [
      'a media type that is none',
      '415 unsupported-media-type',
      { headers: { 'content-type': '///' } },
    ],
    [
      'a compressed body',
      '415 unsupported-media-type',
      { headers: { 'content-encoding': 'gzip' } },
    ],
    ['an address that is none', '404 not-found', { path: '/v1/nothing' }],
    ['an address with dots', '404 not-found', { path: '/v1/sessions/..%2f..%2fetc%2fpasswd/x/y' }],
    ['a malformed address', '400 invalid-request', { path: '/v1/sessions/%zz' }],
    [
      'a method that is none there',
      '405 method-not-allowed',
      { method: 'DELETE', body: undefined },
    ],
    ['a method that is none there, with a body', '405 method-not-allowed', { method: 'PUT' }],
    ['OPTIONS', '405 method-not-allowed', { method: 'OPTIONS', body: undefined }],
  ];

  test.each(TABLE)('%s: %s', async (_, expected, call) => {
    expectProblem(await post(REQUEST, call), expected);
  });

  test('a method that is not taken is answered with those that are', async () => {
    const { headers } = await post(undefined, {
      method: 'DELETE',
      path: '/v1/sessions/0000000000000000',
    });
    expect(headers.get('allow')).toBe('GET, HEAD');
  });

  test('bytes that are no UTF-8 are refused', async () => {
    const response = await fetch(`${api.url}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: 'Bearer robin', 'content-type': 'application/json' },
      body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    });
    expect([response.status, (await response.json()) as object]).toMatchObject([
      400,
      { detail: 'The body is not UTF-8.' },
    ]);
  });

  test.each([
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    [
      'headers of 200 kB',
      `GET /v1/me HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`,
      413,
    ],
    ['a URL of 200 kB', `GET /${'y'.repeat(200_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 413],
  ])('%s is answered with a problem, and the connection closed', async (_, bytes, status) => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(api.port, '127.0.0.1', () => socket.write(bytes));
      let received = '';
      socket.on('data', (data) => (received += data.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
    });
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text.toLowerCase()).toContain('content-type: application/problem+json');
    ProblemDocument.parse(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));
  });
});

describe('faults behind the API', () => {
  test('a database that is away is a 503 that says when to come back', async () => {
    api.store.broken = new Error('database away');
    const answer = await api.call('listSessions', { who: 'robin', path: '/v1/sessions' });
    api.store.broken = undefined;
    expectProblem(answer, '503 database-unavailable');
    expect(answer.headers.get('retry-after')).toBe('5');
  });

  test('a fault of the program shows its request id and nothing else; the log has the rest', async () => {
    api.store.broken = new Error('password=hunter2 at /src/secret.ts:1');
    const answer = await api.call('listSessions', { who: 'robin', path: '/v1/sessions' });
    const { broken } = api.store;
    api.store.broken = undefined;
    expectProblem(answer, '500 internal');
    expect(answer.text).not.toContain('hunter2');
    expect(answer.body.detail).toContain(answer.headers.get('x-request-id'));
    expect(api.journal.lines.at(-1)).toMatchObject({
      level: 'error',
      facts: { err: broken, request: answer.headers.get('x-request-id') },
    });
  });
});

describe('the id of a request', () => {
  test.each([
    ['abcdefgh', true],
    ['A1b2-C3._d4', true],
    ['short', false],
    ['x'.repeat(65), false],
    ['has space', false],
    ['quote"quote', false],
    ['-begins-wrong', false],
  ])('%s is taken from the caller: %s', async (id, taken) => {
    const { headers } = await api.call('readMe', {
      who: 'robin',
      path: '/v1/me',
      headers: { 'x-request-id': id },
    });
    expect(headers.get('x-request-id') === id).toBe(taken);
    expect(headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{8,64}$/);
  });
});

describe('fields', () => {
  const errors = async (over: object) => {
    const answer = await post({ ...REQUEST, ...over });
    expectProblem(answer, '422 invalid-fields');
    return answer.body.errors as { path: string; message: string }[];
  };

  test('everything that is wrong is told at once', async () => {
    expect(
      await errors({
        namespace: 'UPPER',
        target: {},
        reason: '  ',
        durationSeconds: 1.5,
        start: 'now',
        raeson: 'x',
      }),
    ).toEqual([
      { path: '/namespace', message: expect.stringContaining('lower-case') },
      { path: '/target', message: 'must name either a "pod" or a "workload", and not both' },
      { path: '/reason', message: 'must not be empty' },
      { path: '/durationSeconds', message: 'must be a whole number' },
      { path: '/start', message: 'must be one of "on-approval", "manual"' },
      { path: '/raeson', message: 'is not known here; did you mean "reason"?' },
    ]);
  });

  test('what is missing is said to be', async () => {
    const { body } = await post({});
    expect(body.errors).toEqual([
      { path: '/namespace', message: 'is required' },
      { path: '/target', message: expect.any(String) },
      { path: '/reason', message: 'is required' },
    ]);
  });

  test.each([[null], [[]], ['text'], [5], [true]])('%j is no request', async (body) => {
    expectProblem(await post(JSON.stringify(body)), '422 invalid-fields');
  });

  test.each([
    [{ target: { pod: 5 } }, '/target/pod'],
    [{ target: { pod: 'Upper' } }, '/target/pod'],
    [{ target: { workload: { kind: 'CronJob', name: 'x' } } }, '/target/workload/kind'],
    [
      { target: { workload: { kind: 'Job', name: 'x', pikc: 'any-ready' } } },
      '/target/workload/pikc',
    ],
    [{ target: { pod: 'a', workload: { kind: 'Job', name: 'x' } } }, '/target'],
    [{ target: 'web' }, '/target'],
    [{ namespace: 'a'.repeat(64) }, '/namespace'],
    [{ namespace: '-a' }, '/namespace'],
    [{ namespace: 'a.b' }, '/namespace'],
    [{ container: '../x' }, '/container'],
    [{ durationSeconds: 0 }, '/durationSeconds'],
    [{ durationSeconds: 604_801 }, '/durationSeconds'],
    [{ durationSeconds: 1e300 }, '/durationSeconds'],
    [{ durationSeconds: '600' }, '/durationSeconds'],
    [{ durationSeconds: 14_401 }, '/durationSeconds'],
    [{ ticket: '' }, '/ticket'],
    [{ ticket: 'x'.repeat(201) }, '/ticket'],
    [{ ticket: 'two\nlines' }, '/ticket'],
    [{ reason: 'x'.repeat(2001) }, '/reason'],
    [{ 'a/b~c': 1 }, '/a~1b~0c'],
  ])('%j is refused at %s', async (over, path) => {
    expect((await errors(over)).map((error) => error.path)).toEqual([path]);
  });

  const HOSTILE: [string, string][] = [
    ['a NUL', 'a\0b'],
    ['a bell', 'a\x07b'],
    ['an escape sequence', '\x1b[2Jboo'],
    ['a carriage return', 'a\rb'],
    ['a C1 control', 'a\x9bb'],
    ['DEL', 'a\x7fb'],
    ['a right-to-left override', 'a\u202eb'],
    ['an isolate', 'a\u2066b'],
    ['a left-to-right mark', 'a\u200eb'],
    ['an Arabic letter mark', 'a\u061cb'],
    ['a lone surrogate', 'a\ud800b'],
  ];
  test.each(HOSTILE)('%s is refused wherever people read, and said to be', async (_, text) => {
    for (const field of ['reason', 'ticket']) {
      const [error, ...others] = await errors({ [field]: text });
      expect(others).toEqual([]);
      expect(error?.path).toBe(`/${field}`);
      expect(error?.message).toMatch(/^must (not hold|be one line)/);
      expect(error?.message).not.toContain(text);
    }
  });

  test.each([
    ["Robert'); DROP TABLE sessions;--"],
    ['!!python/object/apply:os.system ["id"]'],
    ['&a [*a, *a]'],
    ['<script>alert(1)</script>'],
    ['${jndi:ldap://x} {{7*7}} %s%n'],
    ['<!channel> <@U1> *bold*'],
    ['line one\n\tline two'],
    ['naïve 日本語 👩‍👩‍👧‍👦 עברית'],
    ['__proto__'],
    ['x'.repeat(2000)],
  ])('%j is kept as it is', async (reason) => {
    const { status, body } = await api.ask({ reason });
    expect(status).toBe(201);
    expect(body.request.reason).toBe(reason);
  });

  test('members that would poison objects are refused or do nothing', async () => {
    const body = `{"__proto__": {"polluted": true}, ${JSON.stringify(REQUEST).slice(1)}`;
    const { status } = await post(body);
    expect([201, 422]).toContain(status);
    expect((await errors({ constructor: { prototype: {} } })).map(({ path }) => path)).toEqual([
      '/constructor',
    ]);
    expect({}).not.toHaveProperty('polluted');
  });

  test('thousands of unknown members are not answered with thousands of errors', async () => {
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`m${index}`, 1]));
    expect(await errors(many)).toHaveLength(50);
  });
});

test('every answer forbids being framed, sniffed, cached and run', async () => {
  for (const path of ['/v1/me', '/v1/nothing', '/v1/sessions/%zz', '/openapi.json']) {
    const { headers } = await api.call('readMe', { who: 'robin', path });
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('vary')).toBe('Authorization');
    expect(headers.get('x-powered-by')).toBeNull();
  }
});
