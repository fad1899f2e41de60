import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SessionDetails, SessionPage } from '../../src/contract/session.schema.js';
import type { Api } from '../support/http.api.js';
import { REQUEST, startApi } from '../support/http.api.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

describe('asking', () => {
  test('a session that policy grants is approved at once, with its address and version', async () => {
    const { status, headers, body } = await api.call('requestSession', {
      who: 'robin',
      method: 'POST',
      path: '/v1/sessions',
      body: { ...REQUEST, ticket: ' INC-1 ', container: 'app' },
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/v1/sessions/${body.id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(SessionDetails.parse(body)).toMatchObject({
      state: 'approved',
      requester: { sub: 'robin', email: 'robin@example.com' },
      request: {
        cluster: 'sandbox',
        target: { pod: 'web' },
        ticket: 'INC-1',
        container: 'app',
        profile: 'shell',
      },
      pod: { name: 'web', uid: 'uid-of-staging-web', node: 'node-1' },
      policy: { rule: 'staging' },
      allowedActions: ['start', 'end'],
    });
  });

  test('a session that needs consent waits, and says whose', async () => {
    const { status, body } = await api.ask({ namespace: 'vault' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      state: 'pending',
      approvals: { needed: 2, given: [], groups: ['payments-leads'] },
      allowedActions: ['end'],
    });
    expect(body.policy.explanation.join(' ')).toContain('payments-leads');
  });

  test('a session that no policy allows is an answer that says so, and chooses no Pod', async () => {
    const { status, body } = await api.ask({ namespace: 'elsewhere' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      state: 'denied',
      pod: null,
      allowedActions: [],
      policy: { rule: null },
    });
    expect(body.policy.version).toMatch(/^[0-9a-f]{64}$/);
    expect(body.endDetail).toContain('No policy allows this');
  });

  test('a workload is asked for without saying which Pod to pick', async () => {
    const target = { workload: { kind: 'Deployment', name: 'checkout' } };
    const { body } = await api.ask({ target });
    expect(body.request.target).toEqual({
      workload: { ...target.workload, pick: 'unhealthy-first' },
    });
    expect(body.pod.name).toBe('checkout-7d9f-x2x4z');
  });

  test('a target that is not there is a refusal', async () => {
    const { status, body } = await api.ask({ target: { pod: 'no-such' } });
    expect({ status, type: body.type }).toEqual({
      status: 422,
      type: 'urn:hallpass:problem:target-not-found',
    });
  });
});

describe('asking for what one has', () => {
  test('gives the open session with 200, and says that it was there', async () => {
    const target = { pod: 'web-alike' };
    const first = await api.ask({ target });
    const again = await api.ask({ target, reason: 'the pool is still exhausted' });
    expect(first.status).toBe(201);
    expect(first.headers.get('hallpass-existing')).toBeNull();
    expect(again.status).toBe(200);
    expect(again.headers.get('hallpass-existing')).toBe('alike');
    expect(again.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('location')).toBe(`/v1/sessions/${first.body.id}`);
    expect(again.headers.get('etag')).toBe('"1"');
    expect(again.body).toEqual(first.body);
  });

  test('is in the description of the API', async () => {
    const { body } = await api.call('', { path: '/openapi.json' });
    const { responses } = body.paths['/v1/sessions'].post;
    expect(responses['200'].content).toEqual(responses['201'].content);
    expect(Object.keys(responses['200'].headers)).toContain('Hallpass-Existing');
  });
});

describe('asking again with the same key', () => {
  const again = (key: string, over: object = {}) =>
    api.call('requestSession', {
      who: 'robin',
      method: 'POST',
      path: '/v1/sessions',
      headers: { 'idempotency-key': key },
      // Each key asks for a Pod of its own: alike requests are one whatever their keys.
      body: {
        ...REQUEST,
        target: { pod: `web-${key.replaceAll(/[^a-z0-9]/g, '').slice(0, 9)}x` },
        ...over,
      },
    });

  test('gives the session of the first time, and says so', async () => {
    const first = await again('"k-1"');
    const second = await again('"k-1"');
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.status).toBe(201);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.body.id).toBe(first.body.id);
  });

  test('a quoted key and a bare one are the same key, and the order of members does not count', async () => {
    const first = await again('k-2', { reason: 'one', ticket: 'T' });
    const second = await again('"k-2"', { ticket: 'T', reason: ' one ' });
    expect(second.body.id).toBe(first.body.id);
  });

  test('in other words is refused, without the words of the first time', async () => {
    await again('k-3', { reason: 'secretive' });
    const { status, body, text } = await again('k-3', { reason: 'other' });
    expect({ status, type: body.type }).toEqual({
      status: 422,
      type: 'urn:hallpass:problem:idempotency-mismatch',
    });
    expect(text).not.toContain('secretive');
  });

  test('ten at once make one session', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => again('k-4')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(
      answers.filter(({ headers }) => headers.get('idempotency-replayed') === null),
    ).toHaveLength(1);
  });

  test('the same key of another person is another key', async () => {
    const mine = await again('k-5');
    const theirs = await api.call('requestSession', {
      who: 'stranger',
      method: 'POST',
      path: '/v1/sessions',
      headers: { 'idempotency-key': 'k-5' },
      body: REQUEST,
    });
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test.each(['', '""', 'two words', '"unclosed', '"a"b', 'x'.repeat(256), 'caf\u00e9', '"a\\b"'])(
    'the key %j is refused',
    async (key) => {
      const { status, body } = await again(key);
      expect({ status, type: body.type }).toEqual({
        status: 400,
        type: 'urn:hallpass:problem:invalid-idempotency-key',
      });
    },
  );

  test('keys of 255 characters and with escapes are taken', async () => {
    expect((await again('x'.repeat(255))).status).toBe(201);
    expect((await again('"a\\"b\\\\c"')).status).toBe(201);
  });
});

describe('reading', () => {
  test('a session comes with its decisions and its version as ETag', async () => {
    const { body: asked } = await api.ask({ namespace: 'payments' });
    const { status, headers, body } = await api.call('readSession', {
      who: 'alex',
      path: asked.links.self,
    });
    expect(status).toBe(200);
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(SessionDetails.parse(body)).toMatchObject({
      allowedActions: ['approve', 'deny'],
      decisions: [{ by: 'policy', verdict: 'hold', rule: 'payments', person: null }],
    });
  });

  test.each([
    ['"1"', 304],
    ['W/"1"', 304],
    ['"7", "1"', 304],
    ['*', 304],
    ['"2"', 200],
    ['1', 200],
  ])('If-None-Match: %s on version 1 answers %i', async (tag, expected) => {
    const { body: asked } = await api.ask();
    const { status, text, headers } = await api.call('readSession', {
      who: 'robin',
      path: asked.links.self,
      headers: { 'if-none-match': tag },
    });
    expect(status).toBe(expected);
    expect(headers.get('etag')).toBe('"1"');
    if (expected === 304) expect(text).toBe('');
  });

  test('HEAD answers like GET, without the body', async () => {
    const { body: asked } = await api.ask();
    const { status, headers, text } = await api.call('readSession', {
      who: 'robin',
      method: 'HEAD',
      path: asked.links.self,
    });
    expect({ status, text }).toEqual({ status: 200, text: '' });
    expect(headers.get('etag')).toBe('"1"');
  });
});

describe('listing', () => {
  let own: Api;
  beforeAll(async () => {
    own = await startApi();
  });
  afterAll(() => own.close());
  const list = (who: string, query = '') =>
    own.call('listSessions', { who, path: `/v1/sessions${query}` });

  async function ids(
    who: string,
    query: string,
    between?: () => Promise<unknown>,
  ): Promise<string[]> {
    const found: string[] = [];
    for (let next: string | null = query; next !== null;) {
      const { body, headers } = await list(who, next);
      const page = SessionPage.parse(body);
      found.push(...page.items.map(({ id }) => id));
      const link = /^<\/v1\/sessions(\?[^>]+)>; rel="next"$/.exec(headers.get('link') ?? '');
      expect(link !== null).toBe(page.nextCursor !== null);
      next = link?.[1] ?? null;
      await between?.();
    }
    return found;
  }

  test('pages hold every session once, newest first, whatever is asked for meanwhile', async () => {
    const made: string[] = [];
    for (let count = 0; count < 7; count++) made.unshift((await own.ask()).body.id);
    const paged = await ids('robin', '?limit=2', () => own.ask());
    expect(paged.filter((id) => made.includes(id)).sort()).toEqual([...made].sort());
    expect(new Set(paged).size).toBe(paged.length);
  });

  test('sessions of the same instant are not lost between pages', async () => {
    own.clock.set(new Date('2030-01-01T00:00:00.000Z'));
    const made: string[] = [];
    for (let count = 0; count < 5; count++) made.push((await own.ask({ ticket: 'same' })).body.id);
    own.clock.set(new Date('2029-01-01T00:00:00.000Z'));
    const paged = await ids('robin', '?limit=2');
    expect(paged.slice(0, 5).sort()).toEqual(made.sort());
  });

  test('approvers see what they may decide, auditors and admins all, others nothing', async () => {
    const { body: pending } = await own.ask({ namespace: 'payments' });
    const { body: granted } = await own.ask({ namespace: 'staging' });
    expect(await ids('alex', '')).toEqual([pending.id]);
    expect(await ids('auditor', '?limit=200')).toEqual(
      expect.arrayContaining([pending.id, granted.id]),
    );
    expect(await ids('admin', '?limit=200')).toEqual(
      expect.arrayContaining([pending.id, granted.id]),
    );
    expect(await ids('stranger', '')).toEqual([]);
  });

  test('filters narrow the list, and states may be given several times', async () => {
    await own.ask({ namespace: 'elsewhere' });
    const states = async (query: string) =>
      new Set((await list('robin', query)).body.items.map((item: { state: string }) => item.state));
    expect(await states('?state=pending')).toEqual(new Set(['pending']));
    expect(await states('?state=pending&state=denied')).toEqual(new Set(['pending', 'denied']));
    expect((await list('robin', '?namespace=payments')).body.items).toHaveLength(1);
    expect((await list('robin', '?cluster=other')).body.items).toEqual([]);
    expect((await list('auditor', '?mine=true')).body.items).toEqual([]);
  });

  test('a list says who has consented, and offers no second consent', async () => {
    const { body: asked } = await own.ask({ namespace: 'vault' });
    await own.call('decideSession', {
      who: 'alex',
      method: 'POST',
      path: `${asked.links.self}/decisions`,
      headers: { 'if-match': '"1"' },
      body: { verdict: 'approve' },
    });
    const of = async (who: string) => (await list(who, '?namespace=vault')).body.items[0];
    expect(await of('alex')).toMatchObject({
      approvals: { needed: 2, given: ['alex@example.com'] },
      allowedActions: ['deny', 'retract'],
    });
    expect(await of('sam')).toMatchObject({ allowedActions: ['approve', 'deny'] });
  });

  test('a cursor of another list, of other filters, or made up is refused', async () => {
    const { body } = await list('robin', '?limit=1');
    const audit = await own.call('listAuditEvents', {
      who: 'auditor',
      path: '/v1/audit/events?limit=1',
    });
    const cursors = [
      `?namespace=vault&cursor=${body.nextCursor}`,
      `?cursor=${audit.body.nextCursor}`,
      '?cursor=abc',
      `?cursor=${Buffer.from('["x",1,"y"]').toString('base64url')}`,
    ];
    for (const query of cursors) {
      const refused = await list('robin', query);
      expect({ status: refused.status, type: refused.body.type }).toEqual({
        status: 400,
        type: 'urn:hallpass:problem:invalid-cursor',
      });
    }
  });

  test.each([
    ['?limit=0', 'limit'],
    ['?limit=201', 'limit'],
    ['?limit=1e2', 'limit'],
    ['?limit=', 'limit'],
    ['?limit=5&limit=6', 'limit'],
    ['?state=asleep', 'state/0'],
    ['?mine=yes', 'mine'],
    ['?namespace=UPPER', 'namespace'],
    ['?cluster=%00', 'cluster'],
    ['?limitt=5', 'limitt'],
    [`?cursor=${'x'.repeat(513)}`, 'cursor'],
  ])('the query %s is refused by the name of the parameter', async (query, path) => {
    const { status, body } = await list('robin', query);
    expect(status).toBe(400);
    expect(body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
  });
});
