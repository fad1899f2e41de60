import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OnCallShape } from '../../src/domain/policy/on-call-source.js';
import { json, lab, OnCallServer, ROBIN, TOKEN } from './on-call.server.js';

let server: OnCallServer;
beforeEach(async () => {
  server = await OnCallServer.start();
});
afterEach(() => server.close());

const PAGERDUTY: OnCallShape = { kind: 'pagerduty' };
const generic = (pointer: string, field: string | null): OnCallShape => ({
  kind: 'generic',
  pointer,
  field,
});

interface Entry {
  readonly email?: unknown;
  readonly start?: unknown;
  readonly end?: unknown;
}

/** An entry as PagerDuty writes it; without `email` its user is a mere reference. */
function entry({ email, start = null, end = null }: Entry): object {
  return {
    user: {
      id: 'PT23IWX',
      type: 'user',
      summary: 'Tim Wright',
      ...(email !== undefined && { email }),
    },
    schedule: { id: 'PI7DH85', type: 'schedule_reference', summary: 'Daily Engineering Rotation' },
    escalation_policy: { id: 'PT20YPA', type: 'escalation_policy_reference' },
    escalation_level: 2,
    start,
    end,
  };
}

const page = (oncalls: readonly object[], over: object = {}): object => ({
  oncalls,
  limit: 100,
  offset: 0,
  more: false,
  total: null,
  ...over,
});

describe("PagerDuty's shape", () => {
  it('is asked for with its version, the token and the e-mails of users', async () => {
    server.answer = json(page([entry({ email: 'robin@example.com' })]));
    const url = `${server.url}/oncalls?schedule_ids[]=PI7DH85`;
    const source = server.source({ shape: PAGERDUTY, secret: 'pagerduty', url });
    expect(await lab().ask(source)).toBe(true);
    expect(server.asked).toHaveLength(1);
    const { url: asked, headers } = server.asked[0]!;
    expect(headers.accept).toBe('application/vnd.pagerduty+json;version=2');
    expect(headers.authorization).toBe(`Token token=${TOKEN}`);
    expect([...asked.searchParams]).toEqual([
      ['schedule_ids[]', 'PI7DH85'],
      ['include[]', 'users'],
      ['limit', '100'],
      ['offset', '0'],
    ]);
  });

  it('keeps what the address says of users and of the size of a page', async () => {
    server.answer = json(page([]));
    const url = `${server.url}/oncalls?include[]=users&limit=7&offset=50`;
    expect(await lab().ask(server.source({ shape: PAGERDUTY, url }))).toBe(false);
    expect(server.asked[0]!.url.searchParams.toString()).toBe(
      'include%5B%5D=users&limit=7&offset=0',
    );
  });

  // It is 12:00 in Greenwich.
  it.each([
    ['without times', {}, true],
    ['that has begun and has no end', { start: '2030-01-01T11:59:59Z' }, true],
    ['that begins now', { start: '2030-01-01T12:00:00Z', end: '2030-01-01T13:00:00Z' }, true],
    ['that begins in a second', { start: '2030-01-01T12:00:01Z' }, false],
    ['that ends now', { end: '2030-01-01T12:00:00Z' }, false],
    ['that ends in a second', { end: '2030-01-01T12:00:01Z' }, true],
    ['that is over elsewhere', { end: '2030-01-01T13:00:00+02:00' }, false],
    ['that is not over elsewhere', { end: '2030-01-01T07:00:01-05:00' }, true],
  ])('counts an entry %s for what it is', async (_what, times, expected) => {
    server.answer = json(page([entry({ email: 'robin@example.com', ...times })]));
    expect(await lab().ask(server.source({ shape: PAGERDUTY }))).toBe(expected);
  });

  it('lets a shift end while its answer is remembered', async () => {
    server.answer = json(page([entry({ email: ROBIN.email, end: '2030-01-01T12:00:30Z' })]));
    const { clock, ask } = lab();
    const source = server.source({ shape: PAGERDUTY });
    expect(await ask(source)).toBe(true);
    clock.advance(30);
    expect(await ask(source)).toBe(false);
    expect(server.asked).toHaveLength(1);
  });

  it('is followed from page to page', async () => {
    server.answer = (request, response) => {
      const offset = Number(new URL(request.url!, server.url).searchParams.get('offset'));
      const email = offset === 4 ? 'robin@example.com' : 'sam@example.com';
      const oncalls = [entry({ email }), entry({ email: 'kim@example.com' })];
      json(page(oncalls, { offset, limit: 2, more: offset < 4 }))(request, response);
    };
    expect(await lab().ask(server.source({ shape: PAGERDUTY }))).toBe(true);
    expect(server.asked.map(({ url }) => url.searchParams.get('offset'))).toEqual(['0', '2', '4']);
  });

  const hundred = Array.from({ length: 100 }, () => entry({ email: 'robin@example.com' }));
  it.each([
    ['promises more and has nothing', page([], { more: true }), 1],
    ['has more people than anybody needs', page(hundred, { more: true }), 11],
    ['has more pages than are read', page(hundred.slice(0, 1), { more: true }), 20],
  ])('that %s is not followed for ever, and tells nothing', async (_what, answer, asked) => {
    server.answer = json(answer);
    expect(await lab().ask(server.source({ shape: PAGERDUTY }))).toBe('unknown');
    expect(server.asked).toHaveLength(asked);
  });

  it('tells nothing when its second page fails', async () => {
    server.answer = (request, response) => {
      if (server.asked.length > 1) response.writeHead(500).end();
      else json(page([entry({ email: ROBIN.email })], { more: true }))(request, response);
    };
    expect(await lab().ask(server.source({ shape: PAGERDUTY }))).toBe('unknown');
  });

  it.each([
    ['a list', []],
    ['null', null],
    ['no on-calls', { more: false }],
    ['no word of whether there are more', { oncalls: [] }],
    ['a user without e-mail', page([entry({})])],
    ['an empty e-mail', page([entry({ email: '' })])],
    ['a number for an e-mail', page([entry({ email: 7 })])],
    ['nobody', page([{ ...entry({}), user: null }])],
    ['a time that is none', page([entry({ email: 'robin@example.com', end: 'tomorrow' })])],
    ['no word of the end', page([{ user: { email: 'robin@example.com' }, start: null }])],
  ])('that has %s tells nothing', async (_what, document) => {
    server.answer = json(document);
    expect(await lab().ask(server.source({ shape: PAGERDUTY }))).toBe('unknown');
  });
});

describe('a list of people', () => {
  it('is asked for with the token as bearer', async () => {
    await lab().ask(server.source({ secret: 'pagerduty' }));
    const { headers } = server.asked[0]!;
    expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
    expect(headers.accept).toBe('application/json');
  });

  it('is asked for without a token where the source names none', async () => {
    await lab().ask(server.source());
    expect(server.asked[0]!.headers.authorization).toBeUndefined();
  });

  it.each([
    ['of texts', ['sam@example.com', 'robin@example.com'], generic('', null)],
    ['of texts, somewhere inside', [{ users: ['robin@example.com'] }], generic('/0/users', null)],
    ['of objects', { on: [{ mail: 'robin@example.com', x: 1 }] }, generic('/on', 'mail')],
    ['under an escaped name', { 'a/b~c': ['robin@example.com'] }, generic('/a~1b~0c', null)],
  ])('%s is read', async (_what, document, shape) => {
    server.answer = json(document);
    expect(await lab().ask(server.source({ shape }))).toBe(true);
    server.answer = json([]);
    const sam = { ...ROBIN, email: 'nobody@example.com' };
    server.answer = json(document);
    expect(await lab().ask(server.source({ shape }), sam)).toBe(false);
  });

  it.each([
    ['nothing where the pointer leads', {}, generic('/on', null)],
    ['something inherited there', {}, generic('/constructor/name', null)],
    ['an object there', { on: {} }, generic('/on', null)],
    ['a text there', { on: 'robin@example.com' }, generic('/on', null)],
    ['an object among texts', ['robin@example.com', {}], generic('', null)],
    ['an empty text', ['robin@example.com', ''], generic('', null)],
    ['a text among objects', [{ mail: 'robin@example.com' }, 'sam'], generic('', 'mail')],
    ['an object without the field', [{ email: 'robin@example.com' }], generic('', 'mail')],
    ['an inherited field', [{}], generic('', 'constructor')],
    ['1,001 people', Array(1_001).fill('robin@example.com'), generic('', null)],
  ])('with %s tells nothing', async (_what, document, shape) => {
    server.answer = json(document);
    expect(await lab().ask(server.source({ shape }))).toBe('unknown');
  });

  it('may have 1,000 people', async () => {
    server.answer = json([...Array<string>(999).fill('sam@example.com'), 'robin@example.com']);
    expect(await lab().ask(server.source())).toBe(true);
  });
});

describe('a person', () => {
  const named = (over: object): typeof ROBIN => ({ ...ROBIN, ...over });
  const { email: _, ...nameless } = ROBIN;

  it.each([
    ['email', 'ROBIN@Example.COM', ROBIN, true],
    ['email', 'robin@example.com', named({ email: 'Robin@EXAMPLE.com' }), true],
    ['email', 'robin@example.com', named({ email: 'robin@example.co' }), false],
    ['email', 'kim@example.com', named({ email: '\u212aim@example.com' }), false],
    ['email', 'robin', ROBIN, false],
    ['subject', 'robin', ROBIN, true],
    ['subject', 'Robin', ROBIN, false],
    ['subject', 'robin@example.com', ROBIN, false],
    ['subject', 'robin', nameless, true],
  ] as const)('who is matched by %s with %s: %o', async (match, listed, person, expected) => {
    server.answer = json([listed]);
    expect(await lab().ask(server.source({ match }), person)).toBe(expected);
  });

  it('without e-mail may or may not be on call where people are known by e-mail, and nobody is asked', async () => {
    const { ask } = lab();
    expect(await ask(server.source(), nameless)).toBe('unknown');
    expect(await ask(server.source(), named({ email: '' }))).toBe('unknown');
    expect(server.asked).toEqual([]);
  });

  it('has a fact for each source', async () => {
    server.answer = (request, response) =>
      json(request.url === '/a' ? ['robin@example.com'] : 7)(request, response);
    const sources = ['a', 'b'].map((name) => server.source({ name, url: `${server.url}/${name}` }));
    const { onCall } = lab();
    expect(await onCall.factsFor(sources, ROBIN)).toEqual({ a: true, b: 'unknown' });
    expect(await onCall.factsFor([], ROBIN)).toEqual({});
  });
});
