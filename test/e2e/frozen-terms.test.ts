import '../support/needs.containers.js';
import { cp, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { PoliciesInForce } from '../../src/contract/policies-in-force.schema.js';
import { PolicySetText } from '../../src/contract/policy-set.schema.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let folder: string;
let robin: ApiClient;
let alex: ApiClient;
let audrey: ApiClient;

beforeAll(async () => {
  lab = await BrokerLab.start();
  folder = await mkdtemp(join(lab.sandbox.folder, 'policies-'));
  await cp('sandbox/policies', folder, { recursive: true });
  const broker = await lab.broker({ surroundings: { policies: folder } });
  robin = await lab.as('requester', broker);
  alex = await lab.as('approver', broker);
  audrey = await lab.as('auditor', broker);
});
afterAll(() => lab[Symbol.asyncDispose]());

async function pod(namespace: string): Promise<string> {
  const name = uniqueName('web');
  const { cluster } = lab.sandbox;
  cluster.addPod({ namespace, name });
  await cluster.untilPod(namespace, name, (it) => it?.status.phase === 'Running');
  return name;
}

const ask = async (namespace: string) =>
  robin.ask({
    namespace,
    target: { pod: await pod(namespace) },
    profile: 'shell',
    reason: 'a trial of a new set',
    durationSeconds: 60,
  });

const hashInForce = async (): Promise<string> =>
  PoliciesInForce.parse((await audrey.call('GET', '/v1/policies')).body).hash;

test('a broker that runs decides by a new set, and goes on with what the one before decided', async () => {
  const before = await hashInForce();
  const path = join(folder, 'access.yaml');
  const text = await readFile(path, 'utf8');
  const running = await robin.until((await ask('staging')).id, ['active']);
  const waiting = await ask('payments');

  // Shorter than what was granted, and other people to ask.
  const changed = text
    .replace('longest: 1h', 'longest: 30s')
    .replaceAll('payments-leads', 'nobody');
  await writeFile(join(folder, 'next'), changed);
  await rename(join(folder, 'next'), path);
  await expect.poll(hashInForce, { timeout: 20_000 }).not.toBe(before);

  const refused = await ask('staging');
  expect(refused).toMatchObject({ state: 'denied', policy: { version: await hashInForce() } });
  expect((await ask('payments')).approvals.groups).toEqual(['nobody']);

  const still = await robin.session(running.id);
  expect(still).toMatchObject({
    state: 'active',
    deadline: running.deadline,
    policy: { version: before },
    terms: { longestSeconds: 3_600 },
  });
  const approved = await alex.decide(await alex.session(waiting.id), 'approve');
  expect(approved).toMatchObject({ policy: { version: before } });
  expect(approved.decisions.map(({ policyVersion }) => policyVersion)).toEqual([before, before]);
  await robin.until(waiting.id, ['active']);

  const told = await audrey.call('GET', `/v1/policies/sets/${before}`);
  const { files, inForce } = PolicySetText.parse(told.body);
  expect(files.find(({ name }) => name.endsWith('access.yaml'))?.text).toBe(text);
  expect(inForce[0]?.until).not.toBeNull();
  for (const { id } of [running, waiting]) await robin.act(id, 'end');
  for (const { id } of [running, waiting]) await robin.until(id, ['ended']);
}, 90_000);
