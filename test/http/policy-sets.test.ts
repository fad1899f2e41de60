import { afterAll, beforeAll, expect, test } from 'vitest';
import { PolicyActivations, PolicySetText } from '../../src/contract/policy-set.schema.js';
import { problem } from '../../src/domain/problem.js';
import { FixedPolicies } from '../support/in-memory.ports.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { policyOf, setOf } from '../support/policies.js';
import { MemoryPolicyArchive, putInForce } from '../support/policy.archives.js';

const SETS = ['first', 'second', 'third'].map((name) => setOf([policyOf(name)]));
const HASHES = SETS.map(({ hash }) => hash);
let api: Api;
beforeAll(async () => {
  const policyArchive = new MemoryPolicyArchive();
  for (const [index, set] of SETS.entries()) {
    await putInForce(policyArchive, set, new Date(Date.UTC(2026, 0, index + 1)));
  }
  api = await startApi({ deps: { policyArchive } });
});
afterAll(() => api.close());

test('an auditor reads the exact text of a set that was in force, and when it was', async () => {
  const { status, body } = await api.call('readPolicySet', {
    who: 'auditor',
    path: `/v1/policies/sets/${HASHES[0]}`,
  });
  expect(status).toBe(200);
  expect(PolicySetText.parse(body)).toEqual({
    hash: HASHES[0],
    files: SETS[0]?.files,
    inForce: [
      { from: '2026-01-01T00:00:00.000Z', until: '2026-01-02T00:00:00.000Z', replica: 'test' },
    ],
  });
});

test('an auditor reads which set was in force when, page by page, newest first', async () => {
  const seen: PolicyActivations['items'][number][] = [];
  for (let path: string | undefined = '/v1/policies/sets?limit=2'; path;) {
    const { body, headers } = await api.call('listPolicySets', { who: 'auditor', path });
    seen.push(...PolicyActivations.parse(body).items);
    path = /^<([^>]+)>/.exec(headers.get('link') ?? '')?.[1];
  }
  expect(seen.map(({ hash }) => hash)).toEqual([...HASHES].reverse());
  expect(seen[0]?.until).toBeNull();
});

test.each(['0'.repeat(64), 'short', '..%2F..'])('there is no set %s', async (hash) => {
  const path = `/v1/policies/sets/${hash}`;
  const { status } = await api.call('readPolicySet', { who: 'auditor', path });
  expect(status).toBe(404);
});

test('somebody who may not read policies reads none of this', async () => {
  for (const path of ['/v1/policies/sets', `/v1/policies/sets/${HASHES[0]}`]) {
    expect((await api.call('', { who: 'robin', path })).status).toBe(403);
  }
});

test('a replica that cannot read the set in force says so, and shows no other in its place', async () => {
  class Blocked extends FixedPolicies {
    override blocked() {
      return problem('policy-unavailable', 'Try again.', { retryAfterSeconds: 5 });
    }
  }
  const blocked = await startApi({ deps: { policies: new Blocked(setOf([])) } });
  const { status, headers, body } = await blocked.call('listPolicies', {
    who: 'auditor',
    path: '/v1/policies',
  });
  expect([status, headers.get('retry-after')]).toEqual([503, '5']);
  expect(body.type).toBe('urn:hallpass:problem:policy-unavailable');
  await blocked.close();
});
