import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import type { Broker } from '../../src/broker.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
let brokers: readonly [Broker, Broker];
let robin: ApiClient;
const made: Kubectl[] = [];
beforeAll(async () => {
  lab = await BrokerLab.start();
  brokers = [await lab.brokerWithTls(), await lab.brokerWithTls()];
  robin = await lab.as('requester', brokers[0]);
});
afterAll(async () => {
  await Promise.all(made.map((kubectl) => kubectl.close()));
  await lab[Symbol.asyncDispose]();
});

async function kubectlWith(kubeconfig: string): Promise<Kubectl> {
  const kubectl = await Kubectl.with(kubeconfig);
  made.push(kubectl);
  return kubectl;
}

async function kubeconfigAt(path: string): Promise<string> {
  const { status, body } = await robin.call('GET', path);
  expect([status, typeof body]).toEqual([200, 'string']);
  return String(body);
}

async function running() {
  const asked = await robin.ask({
    namespace: 'staging',
    target: { workload: { kind: 'Deployment', name: 'cart' } },
    profile: 'shell',
    reason: 'carts are empty',
  });
  return robin.until(asked.id, ['active']);
}

describe('kubectl at a broker with a cluster', () => {
  test('sees the session’s Pod by a token, on any replica, and no longer than the session', async () => {
    const session = await running();
    const pod = session.pod?.name ?? '';
    const text = await kubeconfigAt(`/v1/sessions/${session.id}/kubeconfig?credential=token`);
    const elsewhere = text.replace(brokers[0].url, brokers[1].url);
    expect(elsewhere).not.toBe(text);
    const both = [await kubectlWith(text), await kubectlWith(elsewhere)];
    for (const kubectl of both) {
      expect((await kubectl.run(['get', 'pods'])).stdout).toContain(pod);
      const { stdout } = await kubectl.run(['get', 'pod', pod, '-o', 'json']);
      const shown = JSON.parse(stdout);
      expect(shown.metadata.annotations).toEqual({
        'kubectl.kubernetes.io/default-container': session.container?.name,
      });
      const ours = shown.spec.ephemeralContainers.find(
        ({ name }: { name: string }) => name === session.container?.name,
      );
      expect(new Set(ours.env.map(({ value }: { value: string }) => value))).toEqual(
        new Set(['(masked by Hallpass)']),
      );
    }
    await robin.act(session.id, 'end');
    await robin.until(session.id, ['ended']);
    for (const kubectl of both) {
      // What there is to know of the API is known to it by now.
      expect((await kubectl.run(['get', 'pods'])).stderr).toContain('no longer than that');
    }
  }, 60_000);

  test('asks by kubectl debug, and reads for whom it waits', async () => {
    const config = parse(await kubeconfigAt('/v1/clusters/sandbox/kubeconfig'));
    for (const one of config.users) one.user = { token: robin.bearer };
    const kubectl = await kubectlWith(stringify(config));
    const pod = lab.sandbox.cluster.pods('payments')[0]?.metadata.name ?? '';
    const args = (name: string, namespace: string) => [
      ...['debug', '-i', name, '--image=hallpass.sandbox/busybox:1', '--target=app'],
      ...['-n', namespace, '--env=HALLPASS_REASON=orders are stuck,HALLPASS_PROFILE=shell'],
    ];
    const ran = await kubectl.run(args(pod, 'payments'));
    expect(ran.stderr).toMatch(/Session \w{16} waits for one of payments-leads\./);
    const id = /Session (\w{16}) waits/.exec(ran.stderr)?.[1] ?? '';
    expect(await robin.session(id)).toMatchObject({
      state: 'pending',
      request: { reason: 'orders are stuck', container: 'app', namespace: 'payments' },
    });
    const missing = await kubectl.run(args('no-such-pod', 'payments'));
    expect(missing.stderr).toContain('There is no Pod "no-such-pod"');
  }, 60_000);
});
