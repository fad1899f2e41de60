import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRAFT_BODY_BYTES_MAX, Simulation } from '../../src/contract/simulation.schema.js';
import type { Answer, Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { computedMs } from '../support/own.time.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const simulate = (who: string, body: object): Promise<Answer> =>
  api.call('simulatePolicy', { who, method: 'POST', path: '/v1/policies/simulate', body });

const IN_STAGING = {
  target: { cluster: 'sandbox', namespace: 'staging', found: {} },
  request: { profile: 'shell', reason: 'the pool is exhausted' },
};
const IN_PAYMENTS = { ...IN_STAGING, target: { ...IN_STAGING.target, namespace: 'payments' } };

/** One rule and its profile, as files. */
const DRAFT = [
  {
    name: 'access.yaml',
    text: `
apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: labelled }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: [staging], workloads: [{ podSelector: { matchLabels: { app: web } } }] }
  when: onCall['rota'] && target.restarts > 2
  terms: { longest: 30m }
---
apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: rota }
spec: { url: 'https://rota.example.com/', shape: generic, pointer: /people }
`,
  },
  {
    name: 'profiles.yaml',
    text: `
apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'registry.example.com/shell:1', allowTag: true, debugProfile: general }
`,
  },
];

describe('without the right to read policies', () => {
  test('a requester hears what asking would come to, in the words of asking', async () => {
    const { status, body } = await simulate('robin', IN_PAYMENTS);
    expect(status).toBe(200);
    const { body: session } = await api.ask({ namespace: 'payments' });
    expect(Simulation.parse(body)).toMatchObject({
      verdict: 'hold',
      rule: 'payments',
      policyVersion: session.policy.version,
      needs: [{ count: 1, groups: ['payments-leads'], users: [] }],
      explanation: session.policy.explanation,
    });
  });

  test('they see neither the terms nor what other rules say', async () => {
    const { body } = await simulate('robin', IN_PAYMENTS);
    expect(body).toMatchObject({ terms: null, rules: null, rulesLeftOut: 0 });
    const refused = await simulate('robin', {
      ...IN_STAGING,
      request: { profile: 'shell' },
    });
    expect(refused.body).toMatchObject({ verdict: 'refuse', rule: null, rules: null });
    expect(refused.body.explanation).toEqual([
      'The policy "staging" would allow it, but it requires a reason.',
    ]);
  });

  test.each([
    ['somebody else', { person: { subject: 'sam', groups: ['admins'] } }],
    ['drafts', { documents: DRAFT }],
  ])('they may not simulate %s', async (_, more) => {
    const { status, body } = await simulate('robin', { ...IN_STAGING, ...more });
    expect([status, body.type]).toEqual([403, 'urn:hallpass:problem:forbidden']);
    expect(body.detail).toContain('policy:read');
  });

  test('who is neither requester nor reader may not simulate at all', async () => {
    expect((await simulate('alex', IN_STAGING)).status).toBe(403);
    expect((await simulate('nobody', IN_STAGING)).status).toBe(403);
  });

  test('nothing comes of it: no session is there afterwards', async () => {
    const before = api.store.calls;
    await simulate('robin', IN_STAGING);
    expect(api.store.calls).toBe(before);
  });
});

describe('with the right to read policies', () => {
  const robin = { subject: 'robin', groups: ['oncall'] };

  test('anybody can be simulated, and every rule says what it would need', async () => {
    const { status, body } = await simulate('auditor', { ...IN_PAYMENTS, person: robin });
    expect(status).toBe(200);
    const { terms, rules } = Simulation.parse(body);
    expect(terms?.longestSeconds).toBe(3_600);
    expect(rules?.map(({ rule, outcome }) => [rule, outcome])).toEqual([
      ['payments', 'decided'],
      ['staging', 'not-for-this'],
      ['vault', 'not-for-this'],
    ]);
    expect(rules?.[1]?.parts.filter(({ truth }) => truth !== 'yes')).toEqual([
      { part: 'namespace', truth: 'no', says: 'not for the namespace "payments"' },
    ]);
  });

  test('drafts are tried in the place of what is in force, without cluster and rota', async () => {
    const ask = (found: object | undefined, onCall: object): Promise<Answer> =>
      simulate('admin', {
        person: robin,
        documents: DRAFT,
        target: { cluster: 'anywhere', namespace: 'staging', ...(found ? { found } : {}) },
        request: { profile: 'shell', reason: 'because' },
        onCall,
      });
    const found = { labels: { app: 'web' }, restarts: 3 };
    expect((await ask(found, { rota: true })).body).toMatchObject({
      verdict: 'grant',
      rule: 'labelled',
    });
    const unknown = await ask(found, {});
    expect(unknown.body.explanation.join(' ')).toContain(
      'the on-call source "rota" did not answer',
    );
    const unseen = await ask(undefined, { rota: true });
    expect(unseen.body).toMatchObject({ verdict: 'refuse', rule: null });
    expect(unseen.body.explanation.at(-1)).toContain('What only the cluster can tell');
    expect(unseen.body.rules[0].parts).toContainEqual(
      expect.objectContaining({ part: 'workload', truth: 'unknown' }),
    );
  });

  test('every error of the drafts is told, each with its place', async () => {
    const [access, profiles] = DRAFT as [(typeof DRAFT)[0], (typeof DRAFT)[0]];
    const documents = [
      { ...access, text: access.text.replace('30m', 'soon').replace('restarts', 'restart') },
      { ...profiles, text: profiles.text.replace('general', 'generous') },
    ];
    const { status, body } = await simulate('admin', { ...IN_STAGING, documents });
    expect([status, body.type]).toEqual([422, 'urn:hallpass:problem:invalid-fields']);
    expect(body.errors).toEqual([
      {
        path: '/documents/0/text',
        message: expect.stringMatching(/^access\.yaml:9:\d+: spec\.terms\.longest: /),
      },
      {
        path: '/documents/1/text',
        message: expect.stringMatching(/^profiles\.yaml:5:\d+: spec\.debugProfile: /),
      },
      {
        path: '/documents/0/text',
        message: expect.stringMatching(/^access\.yaml:8:\d+: spec\.when: .*"restarts" meant\?$/),
      },
    ]);
  });

  test('a name that two drafts have is refused', async () => {
    const [access] = DRAFT as [(typeof DRAFT)[0]];
    const { body } = await simulate('admin', { ...IN_STAGING, documents: [access, access] });
    expect(body.errors).toEqual([{ path: '/documents/1/name', message: 'is here twice' }]);
  });

  test('of many rules the nearest fifty are told, and how many there are more', async () => {
    const rule = (index: number): string =>
      `apiVersion: hallpass/v1\nkind: AccessPolicy\nmetadata: { name: r${index} }\nspec: { effect: allow, match: { groups: [g${index}], namespaces: [n] }, terms: { longest: 1m } }`;
    const text = Array.from({ length: 60 }, (_, index) => rule(index)).join('\n---\n');
    const { body } = await simulate('admin', {
      ...IN_STAGING,
      target: { cluster: 'a', namespace: 'n' },
      person: { subject: 'x', groups: ['g59'] },
      documents: [{ name: 'many.yaml', text }],
    });
    expect(body.rules).toHaveLength(50);
    expect(body.rulesLeftOut).toBe(10);
    expect(body.rules[0].rule).toBe('r59');
  });
});

describe('drafts that are large', () => {
  /** A simulation with two more drafts, which say nothing, of so many characters. */
  const withNotes = (...characters: number[]): string =>
    JSON.stringify({
      ...IN_STAGING,
      documents: [
        ...DRAFT,
        ...characters.map((count, at) => ({ name: `${at}.yaml`, text: '#'.padEnd(count, 'x') })),
      ],
    });
  /** The same with a body of so many bytes. */
  const ofBytes = (bytes: number): string =>
    withNotes(1, bytes - withNotes(1, 500_000, 1).length + 1, 500_000);
  const send = (body: string, path = '/v1/policies/simulate'): Promise<Answer> =>
    api.call('simulatePolicy', { who: 'admin', method: 'POST', path, body });
  const rule = (index: number, more = ''): string =>
    `apiVersion: hallpass/v1\nkind: AccessPolicy\nmetadata: { name: r${index} }\nspec:\n  effect: allow\n  match: { groups: [g${index}${more}], namespaces: [staging] }\n  when: target.restarts > ${index}\n  terms: { longest: 1m }\n`;

  test('are taken up to one mebibyte, and are too large beyond; other bodies are so sooner', async () => {
    expect(ofBytes(DRAFT_BODY_BYTES_MAX)).toHaveLength(DRAFT_BODY_BYTES_MAX);
    expect((await send(ofBytes(DRAFT_BODY_BYTES_MAX))).status).toBe(200);
    const over = await send(ofBytes(DRAFT_BODY_BYTES_MAX + 1));
    expect([over.status, over.body.type, over.headers.get('content-type')]).toEqual([
      413,
      'urn:hallpass:problem:too-large',
      'application/problem+json',
    ]);
    expect(over.body.detail).toContain('1 MiB');
    expect((await send(withNotes(65_536), '/v1/sessions')).status).toBe(413);
  });

  test('have a million characters in one file at most, which fit into a body', async () => {
    expect((await send(withNotes(1_000_000))).status).toBe(200);
    const over = await send(withNotes(1_000_001));
    expect([over.status, over.body.errors[0].path]).toEqual([422, '/documents/2/text']);
  });

  test.each([
    ['of very many rules', Array.from({ length: 4_000 }, (_, i) => rule(i)).join('---\n')],
    [
      'of very many rules with mistakes',
      Array.from({ length: 4_000 }, (_, i) => rule(i).replace('restarts', 'restart')).join('---\n'),
    ],
    ['of one rule without end', rule(1, `, ${'g, '.repeat(300_000)}g`)],
    ['that are no rules but signs', `a: [${','.repeat(900_000)}]`],
    ['that are nested without end', '['.repeat(900_000)],
  ])('%s do not keep others waiting', async (_, text) => {
    const body = JSON.stringify({
      ...IN_STAGING,
      documents: [{ name: 'a.yaml', text }, DRAFT[1]],
    });
    let [last, longest] = [computedMs(), 0];
    const look = (): void => {
      const now = computedMs();
      longest = Math.max(longest, now - last);
      last = now;
    };
    const timer = setInterval(look, 1);
    const { status } = await send(body);
    look();
    clearInterval(timer);
    expect([200, 422]).toContain(status);
    // Slices are of 20 ms; what else the machine does meanwhile does not count.
    expect(longest).toBeLessThan(300);
  });
});
