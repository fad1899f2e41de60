import { afterAll, beforeAll, expect, test } from 'vitest';
import { TargetList } from '../../src/contract/target.schema.js';
import type { Api, Who } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const list = (query: string, who: Who = 'robin') =>
  api.call('listTargets', { who, path: `/v1/clusters/sandbox/targets?${query}` });

test('whoever may ask in a namespace sees its workloads, then its Pods, and with which profiles', async () => {
  const { status, body } = await list('namespace=payments');
  expect(status).toBe(200);
  const { items, profiles, nextCursor } = TargetList.parse(body);
  expect(items.map(({ kind, name, ready, pods }) => [kind, name, ready, pods])).toEqual([
    ['Deployment', 'checkout', 1, 2],
    ['Pod', 'checkout-7d9f-a', 1, 1],
    ['Pod', 'checkout-7d9f-b', 0, 1],
    ['Pod', 'tools', 1, 1],
  ]);
  expect(profiles.length).toBeGreaterThan(0);
  expect(nextCursor).toBeNull();
});

test('a namespace that no rule might let somebody into is like none, whoever they are', async () => {
  const elsewhere = await list('namespace=elsewhere');
  expect([elsewhere.status, elsewhere.body.type]).toEqual([404, 'urn:hallpass:problem:not-found']);
  expect((await list('namespace=payments', 'nobody')).status).toBe(403);
});

test('targets come in pages, each thing once', async () => {
  const seen: string[] = [];
  let cursor: string | null = '';
  do {
    const { body } = await list(
      `namespace=payments&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    const page = TargetList.parse(body);
    seen.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== null);
  expect(seen).toEqual(['checkout', 'checkout-7d9f-a', 'checkout-7d9f-b', 'tools']);
});

test('without a namespace, and with a cursor of another one, the request is not well formed', async () => {
  expect((await list('limit=1')).status).toBe(400);
  const { body } = await list('namespace=payments&limit=1');
  expect((await list(`namespace=staging&cursor=${body.nextCursor}`)).body.type).toContain('cursor');
});
