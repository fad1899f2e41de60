import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import type { Target } from '../../src/domain/session/session.js';
import { BrokerLab, CLUSTER, NAMESPACE } from './broker.lab.js';

/** A namespace with labels, in which the broker may do what deploy/ says. */
const LABELLED = 'ledger';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
  lab.cluster.addNamespace(LABELLED, { tier: 'prod', team: 'payments' });
  lab.cluster.addServiceAccount({
    namespace: 'hallpass',
    name: 'hallpass',
    inNamespace: LABELLED,
    rules: [{ apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get'] }],
  });
});
afterEach(() => lab.cluster.faults.clear());
afterAll(() => lab.close());

function resolve(
  target: Target | string,
  {
    clusters = lab.clusters,
    namespace = NAMESPACE,
  }: { clusters?: KubernetesClusters; namespace?: string } = {},
) {
  return clusters.resolve({
    cluster: CLUSTER,
    namespace,
    target: typeof target === 'string' ? { kind: 'pod', name: target } : target,
  });
}

/** A broker whose account may read Pods and no namespace, as one that was set up before policies looked at those. */
async function withoutNamespaces(): Promise<KubernetesClusters> {
  const name = uniqueName('old');
  lab.cluster.addServiceAccount({
    namespace: 'hallpass',
    name,
    inNamespace: NAMESPACE,
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  });
  const kubeconfig = join(lab.folder, name);
  await writeFile(kubeconfig, lab.cluster.kubeconfig(`hallpass/${name}`), { mode: 0o600 });
  return lab.broker({ kubeconfig });
}

const toldOfNamespaces = () =>
  lab.log.lines.filter(({ message }) => message.includes('labels and annotations of a namespace'));

describe('what is found of a target', () => {
  it('are the labels of its namespace, read with no more than the Role in it allows', async () => {
    const name = uniqueName('web');
    lab.cluster.addPod({ namespace: LABELLED, name, labels: { app: 'web' } });
    await lab.cluster.untilPod(LABELLED, name, (it) => it?.status.phase === 'Running');
    const clusters = lab.broker({ namespaces: [LABELLED] });
    expect(await resolve(name, { clusters, namespace: LABELLED })).toMatchObject({
      facts: {
        namespaceLabels: {
          'kubernetes.io/metadata.name': LABELLED,
          tier: 'prod',
          team: 'payments',
        },
        namespaceAnnotations: {},
        pod: name,
        labels: { app: 'web' },
        owner: { kind: 'Pod', name },
        phase: 'Running',
        node: 'n1',
      },
    });
  });

  it('are the labels of its namespace alone where it is not there', async () => {
    const clusters = lab.broker({ namespaces: [LABELLED] });
    expect(await resolve('absent', { clusters, namespace: LABELLED })).toMatchObject({
      pin: null,
      facts: { namespaceLabels: { tier: 'prod', team: 'payments' }, pod: null },
      unfit: { problem: 'target-not-found' },
    });
  });

  it('are those that every namespace has where its namespace is not there', async () => {
    const namespace = 'nowhere';
    lab.cluster.addServiceAccount({
      namespace: 'hallpass',
      name: 'hallpass',
      inNamespace: namespace,
      rules: [{ apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get'] }],
    });
    const clusters = lab.broker({ namespaces: ['*'] });
    expect(await resolve('absent', { clusters, namespace })).toMatchObject({
      pin: null,
      facts: {
        namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
        namespaceAnnotations: {},
      },
      unfit: { problem: 'target-not-found' },
    });
  });

  it('is said of a Pod that can take no container too, beside why', async () => {
    const { pin } = await lab.place();
    const answer = await lab.clusters.resolve({
      cluster: CLUSTER,
      namespace: NAMESPACE,
      target: { kind: 'pod', name: pin.podName },
      container: 'none',
    });
    expect(answer).toMatchObject({
      pin,
      facts: { pod: pin.podName, phase: 'Running' },
      unfit: { problem: 'container-not-found' },
    });
  });

  it('is the workload behind it, as the controllers of a cluster name things', async () => {
    const name = uniqueName('checkout');
    lab.cluster.addDeployment({ namespace: NAMESPACE, name });
    const own = () =>
      lab.cluster
        .pods(NAMESPACE)
        .find((it) => it.metadata.labels?.['app'] === name && it.status.phase === 'Running');
    await lab.cluster.untilPods(NAMESPACE, () => own() !== undefined);
    expect(
      await resolve({ kind: 'workload', workload: 'Deployment', name, pick: 'unhealthy-first' }),
    ).toMatchObject({
      facts: { pod: own()?.metadata.name, owner: { kind: 'Deployment', name } },
    });
  });
});

describe('a namespace that cannot be read', () => {
  it('for want of the right leaves its labels unknown, and the operators are told once', async () => {
    const { pin } = await lab.place();
    const clusters = await withoutNamespaces();
    const before = toldOfNamespaces().length;
    for (let ask = 0; ask < 3; ask++) {
      expect(await resolve(pin.podName, { clusters })).toMatchObject({
        pin,
        facts: { namespaceLabels: null, namespaceAnnotations: null, pod: pin.podName },
      });
    }
    expect(toldOfNamespaces().slice(before)).toEqual([
      expect.objectContaining({
        level: 'warn',
        facts: { cluster: CLUSTER, namespace: NAMESPACE },
        message: expect.stringContaining('grant "get" on "namespaces"'),
      }),
    ]);
  });

  it('is told to nobody where there is no such Pod', async () => {
    const clusters = await withoutNamespaces();
    const before = toldOfNamespaces().length;
    expect(await resolve('absent', { clusters })).toMatchObject({
      unfit: { problem: 'target-not-found' },
    });
    expect(toldOfNamespaces()).toHaveLength(before);
  });

  it('because the cluster does not answer is a refusal: what can be known is waited for', async () => {
    const { pin } = await lab.place();
    lab.cluster.faults.add({
      match: { method: 'GET', path: /\/namespaces\/shop$/ },
      effect: { kind: 'refuse', status: 503 },
    });
    const answer = await resolve(pin.podName, { clusters: lab.broker({}, { callMs: 400 }) });
    expect(answer).toMatchObject({ problem: 'cluster-unavailable' });
  });
});
