import '../support/needs.containers.js';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../sandbox/free.port.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

test('an on-call source that is away lets nobody in, and is seen by who asks, in readiness and in metrics', async () => {
  const policies = await mkdtemp(join(lab.sandbox.folder, 'policies-'));
  await cp('sandbox/policies/profiles.yaml', join(policies, 'profiles.yaml'));
  const url = `http://127.0.0.1:${await freePort(0)}/oncalls`;
  await writeFile(
    join(policies, 'access.yaml'),
    `apiVersion: hallpass/v1
kind: AccessPolicy
metadata: { name: on-call-now }
spec:
  effect: allow
  match: { groups: [oncall], namespaces: [staging] }
  when: onCall['payments']
  terms: { longest: 30m }
---
apiVersion: hallpass/v1
kind: OnCallSource
metadata: { name: payments }
spec: { url: '${url}', shape: generic, pointer: '', timeout: 1s }
`,
  );
  const { url: api, managementUrl } = await lab.broker({ surroundings: { policies } });
  const read = async (path: string) => (await fetch(`${managementUrl}${path}`)).text();
  expect(await read('/readyz')).toContain('"on-call":"ok"');
  expect(await read('/metrics')).not.toContain('hallpass_on_call_source_up{');

  const robin = await lab.as('requester', { url: api });
  const { state, policy } = await robin.ask({
    namespace: 'staging',
    target: { workload: { kind: 'Deployment', name: 'cart' } },
    profile: 'shell',
    reason: 'a trial of a source that is away',
  });
  expect(state).toBe('denied');
  expect(policy.explanation.join(' ')).toContain('the on-call source "payments" did not answer');
  const ready = await fetch(`${managementUrl}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([
    200,
    expect.stringContaining('these on-call sources do not answer: payments (does not answer)'),
  ]);
  expect(await read('/metrics')).toContain('hallpass_on_call_source_up{source="payments"} 0\n');
}, 60_000);
