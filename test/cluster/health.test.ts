import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { ClusterHealth } from '../../src/domain/cluster.health.js';
import { ASKING_MAX } from '../../src/adapters/kubernetes/asking.lane.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import type { Target } from '../../src/domain/session/session.js';
import { tookMs } from '../support/own.time.js';
import { ShutGate } from '../support/shut.gate.js';
import { BrokerLab, CLUSTER, NAMESPACE, debugContainer, present, usable } from './broker.lab.js';
import { kubeconfigOfPort } from '../support/kubeconfig.js';

/** Nothing waits longer than it must. */
const PROBES = { everyMs: 100, answerMs: 1_000, againFirstMs: 40, againLongestMs: 100 };
const SOON = { timeout: 15_000, interval: 20 };

let lab: BrokerLab;
let gate: ShutGate;
const watched: KubernetesClusters[] = [];
beforeAll(async () => {
  lab = await BrokerLab.start();
  gate = await ShutGate.before(lab.cluster.url);
});
afterEach(async () => {
  await Promise.all(watched.splice(0).map((clusters) => clusters.close()));
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
  await lab.close();
});

const target: Target = { kind: 'pod', name: 'web' };
const ask = { cluster: CLUSTER, namespace: NAMESPACE, target };

const Config = z.looseObject({
  clusters: z.array(z.looseObject({ cluster: z.record(z.string(), z.string()) })),
  users: z.array(z.looseObject({ user: z.record(z.string(), z.string()) })),
});

/** A kubeconfig file of the broker's account, whose server is another one. */
async function kubeconfigFor(server: string, name: string): Promise<string> {
  const config = Config.parse(parse(lab.cluster.kubeconfig('hallpass/hallpass')));
  for (const { cluster } of config.clusters) cluster['server'] = server;
  const path = join(lab.folder, name);
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

function watch(kubeconfig: string): KubernetesClusters {
  const clusters = [{ name: CLUSTER, inCluster: false, kubeconfig, namespaces: [NAMESPACE] }];
  const made = new KubernetesClusters({
    clusters,
    log: lab.log,
    limits: { callMs: 4_000, attemptMs: 2_000 },
    probes: PROBES,
  });
  watched.push(made);
  made.watch();
  return made;
}

function stateOf(clusters: KubernetesClusters): ClusterHealth {
  return present(clusters.health()[0]);
}

describe('a cluster', () => {
  it('that answers is reachable, with its version, though nobody asks anything of it', async () => {
    const clusters = watch(lab.kubeconfig);
    expect(stateOf(clusters)).toMatchObject({ state: 'unknown', since: null, version: null });
    await expect
      .poll(() => stateOf(clusters), SOON)
      .toMatchObject({ state: 'reachable', trouble: null, version: 'v1.36.2', unsupported: null });
    const { answeredAt } = stateOf(clusters);
    await expect
      .poll(() => stateOf(clusters).answeredAt?.getTime(), SOON)
      .toBeGreaterThan(present(answeredAt ?? undefined).getTime());
  });

  it.each([
    ['that hangs', () => gate.freeze(), () => gate.thaw(), 'timed-out', 'does not answer in time'],
    [
      'that takes no connections',
      () => gate.close(),
      () => gate.open(),
      'connection-refused',
      'refuses connections',
    ],
  ] as const)(
    '%s is unreachable, refuses asks at once with when to come back, and is reachable again by itself',
    async (_, shut, open, trouble, words) => {
      const clusters = watch(await kubeconfigFor(gate.url, `gate-${trouble}`));
      await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
      shut();
      await expect
        .poll(() => stateOf(clusters), SOON)
        .toMatchObject({
          state: 'unreachable',
          trouble,
          version: 'v1.36.2',
        });
      const asking = async () => {
        for (const answer of [await clusters.resolve(ask), await clusters.targets(ask)]) {
          expect(answer).toMatchObject({
            problem: 'cluster-unreachable',
            detail: expect.stringContaining(words),
            retryAfterSeconds: 10,
          });
        }
      };
      expect(await tookMs(asking)).toBeLessThan(200);
      await open();
      await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
      expect(usable(await clusters.resolve(ask))).toMatchObject({ problem: 'target-not-found' });
      const said = lab.log.lines.filter(({ facts }) => 'trouble' in facts).at(-1);
      expect(said?.message).toContain(words);
      expect(lab.log.lines.at(-1)?.message).toBe('a cluster can be reached again');
    },
  );

  it('that is unreachable is still asked where something must end, or be seen to have ended', async () => {
    const place = await lab.running();
    const clusters = watch(await kubeconfigFor(gate.url, 'ending'));
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
    gate.freeze();
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('unreachable');
    expect(await clusters.observe(place)).toMatchObject({ problem: 'cluster-unavailable' });
    gate.thaw();
    expect(await clusters.writeLine(place)).toBe('done');
    await lab.untilState(place, 'terminated');
    expect(await clusters.observe(place)).toMatchObject({ kind: 'terminated' });
  });

  it('is found by its name, by calls and by streams', async () => {
    const place = await lab.running();
    const { port } = new URL(lab.cluster.url);
    const clusters = watch(await kubeconfigFor(`https://localhost:${port}`, 'named'));
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
    expect(await clusters.observe(place)).toMatchObject({ kind: 'running' });
    expect(await clusters.run(place, ['/bin/true'])).toEqual({ exitCode: 0 });
  });

  it('whose name nobody knows is unreachable for that reason', async () => {
    const clusters = watch(await kubeconfigFor('https://no-such-host.invalid:6443', 'nameless'));
    await expect
      .poll(() => stateOf(clusters), SOON)
      .toMatchObject({ state: 'unreachable', trouble: 'name-unknown', answeredAt: null });
  });

  it('whose certificate has expired, or is by a stranger, is unreachable for that reason', async () => {
    const other = await BrokerLab.start();
    try {
      const stranger = watch(await kubeconfigFor(other.cluster.url, 'stranger'));
      await expect.poll(() => stateOf(stranger).trouble, SOON).toBe('certificate-untrusted');
      await other.cluster.renewCertificate(new Date(Date.now() - 60_000));
      const expired = join(lab.folder, 'expired');
      await writeFile(expired, other.cluster.kubeconfig('hallpass/hallpass'));
      const clusters = watch(expired);
      await expect.poll(() => stateOf(clusters).trouble, SOON).toBe('certificate-expired');
      expect(await clusters.resolve(ask)).toMatchObject({
        problem: 'cluster-unreachable',
        detail: expect.stringContaining('a certificate that has expired'),
      });
    } finally {
      await other.close();
    }
  });

  it('that does not take the credentials is unreachable for that reason, and still says so itself', async () => {
    const path = await kubeconfigFor(lab.cluster.url, 'unknown-token');
    const config = Config.parse(parse(lab.cluster.kubeconfig('hallpass/hallpass')));
    for (const one of config.users) one.user = { token: 'of-no-use' };
    await writeFile(path, stringify(config));
    const clusters = watch(path);
    await expect.poll(() => stateOf(clusters).trouble, SOON).toBe('unauthorized');
    expect(usable(await clusters.resolve(ask))).toMatchObject({ problem: 'cluster-unauthorized' });
  });

  it('whose kubeconfig is not there is unreachable for that reason, until it is', async () => {
    const path = join(lab.folder, 'later');
    const clusters = watch(path);
    await expect.poll(() => stateOf(clusters).trouble, SOON).toBe('no-credentials');
    await writeFile(path, lab.cluster.kubeconfig('hallpass/hallpass'));
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
  });

  it('is asked as soon as newer credentials are there, though it was in vain before', async () => {
    const path = await kubeconfigFor(gate.url, 'moved');
    const clusters = watch(path);
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
    gate.freeze();
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('unreachable');
    await kubeconfigFor(lab.cluster.url, 'moved');
    await expect.poll(() => stateOf(clusters).state, SOON).toBe('reachable');
    gate.thaw();
  });
});

describe('a cluster that answers slowly', () => {
  it('is asked no more than so much at once, while what looks after its sessions goes on', async () => {
    const place = await lab.running();
    const clusters = lab.broker({}, { attemptMs: 30_000, callMs: 30_000 });
    lab.cluster.faults.add({
      match: { path: new RegExp(`/namespaces/${NAMESPACE}$`) },
      // Until it is taken away, however long all that takes.
      effect: { kind: 'delay', delayMs: 25_000 },
    });
    const wish = { ...ask, target: { kind: 'pod', name: place.pin.podName } as const };
    let answered = 0;
    const waiting = Array.from({ length: ASKING_MAX }, () =>
      clusters.resolve(wish).finally(() => answered++),
    );
    for (const answer of [await clusters.resolve(wish), await clusters.targets(wish)]) {
      expect(answer).toMatchObject({
        problem: 'cluster-unavailable',
        detail: expect.stringContaining('answers slowly, and 40 questions wait for it already'),
        retryAfterSeconds: 5,
      });
    }
    expect(await clusters.observe(place)).toMatchObject({ kind: 'running' });
    expect(await clusters.writeLine(place)).toBe('done');
    await lab.untilState(place, 'terminated');
    expect(answered).toBe(0);
    lab.cluster.faults.clear();
    for (const answer of await Promise.all(waiting)) {
      expect(usable(answer)).toMatchObject({ pin: place.pin });
    }
    expect(usable(await clusters.resolve(wish))).toMatchObject({ pin: place.pin });
  });
});

describe('a cluster that can have no sessions', () => {
  const VERBS = ['get', 'patch', 'update'];
  let answers: Record<string, unknown> = {};
  const old = createServer((request: IncomingMessage, response: ServerResponse) => {
    const found = answers[request.url ?? ''];
    const status = found === undefined ? 404 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ?? { kind: 'Status', reason: 'NotFound', code: 404 }));
  });
  beforeAll(async () => {
    old.listen(0, '127.0.0.1');
    await once(old, 'listening');
  });
  afterAll(() => {
    old.closeAllConnections();
    old.close();
  });

  async function watchOld(): Promise<KubernetesClusters> {
    const path = join(lab.folder, 'old');
    const { port } = old.address() as AddressInfo;
    await writeFile(path, kubeconfigOfPort(port));
    return watch(path);
  }

  it.each([
    [
      'since it is older than 1.25',
      { major: '1', minor: '24+', gitVersion: 'v1.24.17-eks-1' },
      ['pods', 'pods/ephemeralcontainers', 'pods/exec'],
      'It is Kubernetes v1.24.17-eks-1',
    ],
    [
      'since it lacks the subresource',
      { major: '1', minor: '30', gitVersion: 'v1.30.1' },
      ['pods', 'pods/exec'],
      '"pods/ephemeralcontainers"',
    ],
  ])(
    '%s says so when asked for one, and nothing is asked of it',
    async (_, version, names, words) => {
      const resources = names.map((name) => ({ name, verbs: VERBS }));
      answers = { '/version': version, '/api/v1': { resources } };
      const clusters = await watchOld();
      await expect.poll(() => stateOf(clusters).unsupported, SOON).toContain(words);
      expect(stateOf(clusters)).toMatchObject({ state: 'reachable', version: version.gitVersion });
      expect(await clusters.resolve(ask)).toMatchObject({
        problem: 'cluster-unsupported',
        detail: expect.stringContaining(words),
      });
      expect(lab.log.lines.at(-1)).toMatchObject({ level: 'error' });
    },
  );

  it('says so in words where a container is to be added before that was known', async () => {
    const place = await lab.place();
    lab.cluster.faults.add({
      match: { method: 'PATCH', path: /ephemeralcontainers/ },
      effect: {
        kind: 'refuse',
        status: 404,
        message: 'the server could not find the requested resource',
      },
    });
    const spec = debugContainer(place);
    expect(await lab.clusters.add(place, spec)).toMatchObject({
      refused: {
        problem: 'cluster-unsupported',
        detail: expect.stringContaining('from Kubernetes 1.25 on'),
      },
      definite: true,
    });
    lab.cluster.faults.clear();
  });
});
