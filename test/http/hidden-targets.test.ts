import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { BrokerLab, CLUSTER } from '../cluster/broker.lab.js';
import type { Answer, Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { policyOf, setOf } from '../support/policies.js';

/** Robin may debug Pods of `web`, where the namespace is labelled for payments. */
const WEB_OF_PAYMENTS = policyOf('web-of-payments', {
  match: {
    clusters: [CLUSTER],
    namespaceSelector: [{ key: 'team', operator: 'In', values: ['payments'] }],
    workloads: [
      {
        kinds: ['Pod', 'Deployment'],
        names: ['*'],
        podSelector: [{ key: 'app', operator: 'In', values: ['web'] }],
      },
    ],
  },
});
/** Labelled for payments, and for somebody else. */
const LEDGER = 'ledger';
const VAULT = 'vault';

let lab: BrokerLab;
let api: Api;
beforeAll(async () => {
  lab = await BrokerLab.start();
  for (const [namespace, team] of [
    [LEDGER, 'payments'],
    [VAULT, 'security'],
  ] as const) {
    lab.cluster.addNamespace(namespace, { team });
    lab.cluster.addServiceAccount({
      namespace: 'hallpass',
      name: 'hallpass',
      inNamespace: namespace,
      rules: [
        { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get', 'list'] },
        { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['get', 'list'] },
      ],
    });
  }
  api = await startApi({
    // Tried once: whether a last try is cut short by the time that is left would be told in other words.
    clusters: lab.broker({ namespaces: ['*'] }, { attemptsMax: 1 }),
    set: setOf([WEB_OF_PAYMENTS]),
  });
});
afterEach(() => lab.cluster.faults.clear());
afterAll(async () => {
  await api.close();
  await lab.close();
});

const ask = (namespace: string, target: object | string, over: object = {}): Promise<Answer> =>
  api.ask({
    cluster: CLUSTER,
    namespace,
    target: typeof target === 'string' ? { pod: target } : target,
    ...over,
  });

const workload = (name: string) => ({ workload: { kind: 'Deployment', name } });

/** A Pod that runs, or has run to its end. */
async function podIn(
  namespace: string,
  app: string,
  phase: 'Running' | 'Succeeded' = 'Running',
): Promise<string> {
  const name = uniqueName(app);
  const ends = {
    image: 'docker.io/library/busybox:1',
    command: ['/bin/true'],
    spec: { restartPolicy: 'Never' as const },
  };
  const labels = { app };
  lab.cluster.addPod({ namespace, name, labels, ...(phase === 'Succeeded' ? ends : {}) });
  await lab.cluster.untilPod(namespace, name, (it) => it?.status.phase === phase);
  return name;
}

/** What an answer says, but for what was asked, when, and under which number. */
function saying({ status, body }: Answer, namespace: string, name: string): string {
  const { state, policy, pod, node, endDetail, detail, type } = body;
  const said = { status, state, policy, pod, node, endDetail, detail, type };
  return JSON.stringify(said).replaceAll(name, 'NAME').replaceAll(namespace, 'NAMESPACE');
}

describe('in a namespace that no rule could let them into', () => {
  test('nobody can tell a Pod that is there from one that is not, nor how it is, nor the namespace itself', async () => {
    const there = await podIn(VAULT, 'web');
    const other = await podIn(VAULT, 'db');
    const done = await podIn(VAULT, 'web', 'Succeeded');
    const said = await Promise.all(
      (
        [
          [VAULT, there],
          [VAULT, there, { container: 'none' }],
          [VAULT, other],
          [VAULT, done],
          [VAULT, 'absent'],
          ['nowhere', 'absent'],
        ] as const
      ).map(async ([namespace, name, over]) =>
        saying(await ask(namespace, name, over), namespace, name),
      ),
    );
    expect(new Set(said).size).toBe(1);
    expect(JSON.parse(said[0] ?? '')).toMatchObject({
      status: 201,
      state: 'denied',
      policy: { explanation: expect.arrayContaining([expect.stringContaining('team')]) },
    });
  });

  test('nobody can tell a workload that is there from one that is not, nor whether it has Pods', async () => {
    const name = uniqueName('checkout');
    const idle = uniqueName('idle');
    lab.cluster.addDeployment({ namespace: VAULT, name });
    lab.cluster.addDeployment({ namespace: VAULT, name: idle, replicas: 0 });
    await lab.cluster.untilPods(VAULT, () =>
      lab.cluster.pods(VAULT).some((it) => it.metadata.labels?.['app'] === name),
    );
    const said = await Promise.all(
      [name, idle, 'absent'].map(async (deployment) =>
        saying(await ask(VAULT, workload(deployment)), VAULT, deployment),
      ),
    );
    expect(new Set(said).size).toBe(1);
    expect(said[0]).toContain('denied');
  });

  test('nor while the cluster cannot say what is in it', async () => {
    const there = await podIn(VAULT, 'web');
    lab.cluster.faults.add({
      match: { method: 'GET', path: /\/namespaces\/vault$/ },
      effect: { kind: 'refuse', status: 503 },
    });
    const said = await Promise.all(
      [there, 'absent'].map(async (name) => saying(await ask(VAULT, name), VAULT, name)),
    );
    expect(new Set(said).size).toBe(1);
    expect(said[0]).toContain('cluster-unavailable');
  });

  test('nor where Pods cannot be read: the refusal is that of policy', async () => {
    lab.cluster.faults.add({
      match: { method: 'GET', path: /\/pods\// },
      effect: { kind: 'refuse', status: 503 },
    });
    expect((await ask(VAULT, 'web')).body).toMatchObject({ state: 'denied' });
    expect((await ask(LEDGER, 'web')).body.type).toBe('urn:hallpass:problem:cluster-unavailable');
  });
});

describe('in a namespace that a rule might let them into', () => {
  test('who mistypes the name of a Pod or a workload is told that there is none', async () => {
    for (const target of [{ pod: 'absent' }, workload('absent')]) {
      const { status, body } = await ask(LEDGER, target);
      expect([status, body.type]).toEqual([422, 'urn:hallpass:problem:target-not-found']);
      expect(body.detail).toContain('"absent"');
    }
  });

  test('in one that the rules open, and a deny closes by its labels, that it is there is told by the refusal', async () => {
    const closing = policyOf('closed', {
      effect: 'deny',
      match: { namespaceSelector: [{ key: 'team', operator: 'In', values: ['security'] }] },
    });
    const others = await startApi({
      clusters: lab.broker({ namespaces: ['*'] }),
      set: setOf([policyOf('any'), closing]),
    });
    const asked = (namespace: string, name: string): Promise<Answer> =>
      others.ask({ cluster: CLUSTER, namespace, target: { pod: name } });
    const there = await podIn(VAULT, 'web');
    const closed = [saying(await asked(VAULT, there), VAULT, there)];
    closed.push(saying(await asked(VAULT, 'absent'), VAULT, 'absent'));
    const open = await asked(LEDGER, 'absent');
    await others.close();
    expect(closed[0]).toContain('closed');
    expect(closed[1]).toBe(closed[0]);
    expect(open.body.type).toBe('urn:hallpass:problem:target-not-found');
  });

  test('a Pod that policy refuses is refused, with what the rule would need, and not with how it is', async () => {
    const running = await podIn(LEDGER, 'db');
    const done = await podIn(LEDGER, 'db', 'Succeeded');
    const answers = [
      await ask(LEDGER, running),
      await ask(LEDGER, running, { container: 'none' }),
      await ask(LEDGER, done),
    ];
    for (const { status, body } of answers) {
      expect([status, body.state]).toEqual([201, 'denied']);
      expect(body.policy.explanation.join(' ')).toContain('labels app in (web)');
      expect(JSON.stringify(body)).not.toMatch(/finished|There is: app/);
    }
  });

  test('a Pod that policy would let them into says why it can take no container', async () => {
    const done = await podIn(LEDGER, 'web', 'Succeeded');
    const running = await podIn(LEDGER, 'web');
    expect((await ask(LEDGER, done)).body).toMatchObject({
      type: 'urn:hallpass:problem:target-not-debuggable',
      detail: expect.stringContaining('finished'),
    });
    expect((await ask(LEDGER, running, { container: 'none' })).body).toMatchObject({
      type: 'urn:hallpass:problem:container-not-found',
    });
    expect((await ask(LEDGER, running)).body.state).toBe('approved');
  });
});

describe('a cluster', () => {
  test('that is not there is refused like one that no rule is for, and told where a rule is for any', async () => {
    const others = await startApi({
      clusters: new KubernetesClusters({
        clusters: ['one', 'two'].map((name) => ({
          name,
          inCluster: false,
          kubeconfig: lab.kubeconfig,
          namespaces: ['*'],
        })),
        log: lab.log,
      }),
      set: setOf([policyOf('one', { match: { clusters: ['one'] } })]),
    });
    const said = async (cluster: string): Promise<string> =>
      saying(await others.ask({ cluster, namespace: LEDGER }), cluster, cluster);
    const [two, nowhere] = [await said('two'), await said('nowhere')];
    await others.close();
    expect(two).toContain('denied');
    expect(nowhere).toBe(two);

    const any = await startApi({ set: setOf([policyOf('any')]) });
    const answer = await any.ask({ cluster: 'nowhere' });
    await any.close();
    expect(answer.body).toMatchObject({
      type: 'urn:hallpass:problem:target-not-found',
      detail: expect.stringContaining('GET /v1/clusters'),
    });
  });
});
