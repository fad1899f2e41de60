import { inspect } from 'node:util';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { startCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Target } from '../../src/domain/session/session.js';
import { BrokerLab, CLUSTER, NAMESPACE, debugContainer, until, usable } from './broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab.close());

const Kubeconfig = z.looseObject({
  clusters: z.array(z.looseObject({ cluster: z.record(z.string(), z.string()) })),
  users: z.array(z.looseObject({ user: z.record(z.string(), z.string()) })),
});

const target: Target = { kind: 'pod', name: 'web' };
const ask = { cluster: CLUSTER, namespace: NAMESPACE, target };

async function kubeconfig(
  name: string,
  change: (config: z.infer<typeof Kubeconfig>) => void = () => undefined,
): Promise<string> {
  const config = Kubeconfig.parse(parse(lab.cluster.kubeconfig('hallpass/hallpass')));
  change(config);
  const path = join(lab.folder, name);
  await writeFile(path, stringify(config));
  return path;
}

function setUser(user: Record<string, string>) {
  return (config: z.infer<typeof Kubeconfig>) => {
    for (const one of config.users) one.user = user;
  };
}

describe('credentials', () => {
  it('that the cluster does not take are refused to everybody alike, and told to the operators', async () => {
    const broker = lab.broker({
      kubeconfig: await kubeconfig('wrong', setUser({ token: 'no-such-token-at-all' })),
    });
    expect(usable(await broker.resolve(ask))).toMatchObject({
      problem: 'cluster-unauthorized',
      detail: expect.stringContaining('Tell the operators'),
    });
    expect(lab.log.lines.at(-1)).toMatchObject({ level: 'error' });
  });

  it('are read again when the kubeconfig changes, and at once when the cluster refuses the old ones', async () => {
    const { pin } = await lab.place();
    const path = await kubeconfig('rotated', setUser({ token: 'expired-and-of-no-use' }));
    const broker = lab.broker({ kubeconfig: path });
    const asking = { ...ask, target: { kind: 'pod', name: pin.podName } as const };
    expect(usable(await broker.resolve(asking))).toMatchObject({ problem: 'cluster-unauthorized' });
    await kubeconfig('rotated');
    await expect
      .poll(async () => usable(await broker.resolve(asking)), { timeout: 10_000, interval: 50 })
      .toMatchObject({ pin });
  });

  it('are read again once where the cluster refuses several calls at the same moment', async () => {
    const { pin } = await lab.place();
    const broker = lab.broker();
    const asking = { ...ask, target: { kind: 'pod', name: pin.podName } as const };
    // The Pod and its namespace, which are read side by side.
    const fault = lab.cluster.faults.add({
      match: { method: 'GET', times: 2 },
      effect: { kind: 'refuse', status: 401 },
    });
    expect(usable(await broker.resolve(asking))).toMatchObject({ pin });
    expect(fault.hits).toBe(2);
    lab.cluster.faults.clear();
  });

  it('in a file of their own are used, with the line end that editors add', async () => {
    const { pin } = await lab.place();
    const token = lab.cluster.addServiceAccount({ namespace: 'hallpass', name: 'hallpass' });
    await writeFile(join(lab.folder, 'token'), `${token}\n`);
    const broker = lab.broker({
      kubeconfig: await kubeconfig('by-file', setUser({ tokenFile: 'token' })),
    });
    const asking = { ...ask, target: { kind: 'pod', name: pin.podName } as const };
    expect(usable(await broker.resolve(asking))).toMatchObject({ pin });
  });

  it('are kept while the kubeconfig is being rewritten and makes no sense', async () => {
    const { pin } = await lab.place();
    const path = await kubeconfig('half-written');
    const broker = lab.broker({ kubeconfig: path });
    const asking = { ...ask, target: { kind: 'pod', name: pin.podName } as const };
    expect(usable(await broker.resolve(asking))).toMatchObject({ pin });
    await writeFile(path, 'clusters: [');
    const warned = () => lab.log.lines.some(({ message }) => message.includes('cannot be used'));
    await expect
      .poll(async () => [usable(await broker.resolve(asking)), warned()], {
        timeout: 10_000,
        interval: 50,
      })
      .toMatchObject([{ pin }, true]);
  });

  it.each([
    ['no file', undefined, undefined],
    ['no such context', '', 'elsewhere'],
    ['nothing in it', '', undefined],
    [
      'no address',
      'clusters: [{name: a, cluster: {server: "::"}}]\nusers: [{name: u, user: {token: t}}]\ncontexts: [{name: c, context: {cluster: a, user: u}}]\ncurrent-context: c',
      undefined,
    ],
  ])('with %s are a problem that names the cluster, not a crash', async (name, text, context) => {
    const path = join(lab.folder, name.replaceAll(' ', '-'));
    if (text !== undefined) await writeFile(path, text);
    const broker = lab.broker({ kubeconfig: path, ...(context === undefined ? {} : { context }) });
    expect(usable(await broker.resolve(ask))).toMatchObject({
      problem: 'cluster-unauthorized',
      detail: expect.stringContaining(CLUSTER),
    });
  });

  it('of a service account are a problem where the broker runs in no cluster', async () => {
    const clusters = [{ name: CLUSTER, inCluster: true, namespaces: [NAMESPACE] }];
    const broker = new KubernetesClusters({ clusters, log: lab.log });
    expect(usable(await broker.resolve(ask))).toMatchObject({ problem: 'cluster-unauthorized' });
  });

  it('are not sent to a server that the kubeconfig does not vouch for', async () => {
    const impostor = await startCluster();
    try {
      const path = await kubeconfig('impostor', (config) => {
        for (const one of config.clusters) one.cluster['server'] = impostor.url;
      });
      const broker = lab.broker({ kubeconfig: path });
      expect(usable(await broker.resolve(ask))).toMatchObject({ problem: 'cluster-unavailable' });
      const place = { ...(await lab.place()), cluster: CLUSTER };
      expect(await broker.run(place, ['/bin/true'])).toMatchObject({
        problem: 'cluster-unavailable',
      });
      expect(impostor.requests.all()).toEqual([]);
    } finally {
      await impostor.close();
    }
  });

  it('are not sent without TLS', async () => {
    const path = await kubeconfig('plain', (config) => {
      for (const one of config.clusters) one.cluster['server'] = 'http://127.0.0.1:1';
    });
    const broker = lab.broker({ kubeconfig: path });
    expect(usable(await broker.resolve(ask))).toMatchObject({ problem: 'cluster-unauthorized' });
  });

  it('that a plugin gets are got once for all who wait, and not for ever: then it is killed', async () => {
    const place = await lab.running();
    const token = lab.cluster.addServiceAccount({ namespace: 'hallpass', name: 'hallpass' });
    const apiVersion = 'client.authentication.k8s.io/v1';
    const plugin = async (name: string, script: string) => {
      const args = ['-c', `echo >> ${join(lab.folder, `${name}.runs`)}; ${script}`];
      const exec = { apiVersion, command: '/bin/sh', args, interactiveMode: 'Never' };
      return lab.broker({
        kubeconfig: await kubeconfig(name, ({ users }) => {
          for (const one of users) Object.assign(one, { user: { exec } });
        }),
      });
    };
    const runs = async (name: string) =>
      (await readFile(join(lab.folder, `${name}.runs`), 'utf8')).length;
    const credential = { apiVersion, kind: 'ExecCredential', status: { token } };
    const good = await plugin('good', `sleep 0.2; echo '${JSON.stringify(credential)}'`);
    const seen = await Promise.all(Array.from({ length: 8 }, () => good.observe(place)));
    expect(seen).toEqual(seen.map(() => expect.objectContaining({ kind: 'running' }) as object));
    expect(await runs('good')).toBe(1);
    const pidFile = join(lab.folder, 'silent.pid');
    const silent = await plugin('silent', `echo $$ > ${pidFile}; exec sleep 60`);
    const refused = await Promise.all(Array.from({ length: 8 }, () => silent.observe(place)));
    for (const one of refused) expect(one).toMatchObject({ problem: 'cluster-unauthorized' });
    expect(await runs('silent')).toBe(1);
    const pid = Number(await readFile(pidFile, 'utf8'));
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
  });

  it('that a plugin does not get a second time are a problem behind a SOCKS proxy too, not a crash', async () => {
    const expirationTimestamp = new Date(Date.now() - 60_000).toISOString();
    const credential = JSON.stringify({ status: { token: 'expired', expirationTimestamp } });
    const once = `mkdir ${join(lab.folder, 'asked-once')} && echo '${credential}'`;
    const exec = { command: '/bin/sh', args: ['-c', once] };
    const path = await kubeconfig('behind-socks', ({ clusters, users }) => {
      for (const one of clusters) one.cluster['proxy-url'] = 'socks5://127.0.0.1:1';
      for (const one of users) Object.assign(one, { user: { exec } });
    });
    const place = { ...(await lab.place()), cluster: CLUSTER };
    expect(await lab.broker({ kubeconfig: path }).observe(place)).toMatchObject({
      problem: 'cluster-unauthorized',
    });
  });

  it('that no header can hold are not quoted anywhere', async () => {
    const secret = 'half-of-a-secret\nother-half-of-it';
    const broker = lab.broker({ kubeconfig: await kubeconfig('odd', setUser({ token: secret })) });
    const answer = usable(await broker.resolve(ask));
    expect(answer).toMatchObject({ problem: 'cluster-unauthorized' });
    expect(inspect([answer, lab.log.lines], { depth: 20 })).not.toMatch(/half-of-a-secret/);
  });

  it('never appear in problems or in the log, whatever goes wrong', async () => {
    const path = await kubeconfig('searched');
    const { users } = Kubeconfig.parse(parse(await readFile(path, 'utf8')));
    const token = users[0]?.user['token'] ?? 'none';
    expect(token.length).toBeGreaterThan(20);
    const place = await lab.running();
    const broker = lab.broker({ kubeconfig: path }, { callMs: 300 });
    const answers: unknown[] = [];
    for (const effect of [
      { kind: 'refuse', status: 401 } as const,
      { kind: 'refuse', status: 403 } as const,
      { kind: 'refuse', status: 500 } as const,
      { kind: 'drop', when: 'before' } as const,
    ]) {
      lab.cluster.faults.add({ effect });
      answers.push(
        usable(await broker.resolve(ask)),
        await broker.observe(place),
        await broker.add(place, debugContainer({ ...place, containerName: 'hallpass-x' })),
        await broker.run(place, ['/bin/true']),
        await broker.writeLine(place),
        await broker.evict(place),
      );
      lab.cluster.faults.clear();
    }
    expect(inspect([answers, lab.log.lines], { depth: 20, maxStringLength: null })).not.toContain(
      token,
    );
  });
});

/** What a request needed, as `verb resource`. A WebSocket needs two verbs, whatever its method. */
function rightsFor({ method, path }: { method: string; path: string }): string[] {
  const { pathname, searchParams } = new URL(path, 'http://x');
  if (/\/namespaces\/[^/]+$/.test(pathname)) return [`${method.toLowerCase()} namespaces`];
  const [resource = '', name, sub] = pathname.replace(/^.*\/namespaces\/[^/]+\//, '').split('/');
  if (sub === 'exec' || sub === 'attach')
    return ['create', 'get'].map((verb) => `${verb} ${resource}/${sub}`);
  if (method === 'PATCH') return [`patch ${resource}/${sub ?? ''}`];
  if (name !== undefined) return [`get ${resource}`];
  return [`${searchParams.has('watch') ? 'watch' : 'list'} ${resource}`];
}

async function grantedRights(): Promise<string[]> {
  const rules = z.array(z.object({ resources: z.array(z.string()), verbs: z.array(z.string()) }));
  const text = await readFile(new URL('../../deploy/rbac.yaml', import.meta.url), 'utf8');
  const role = parseAllDocuments(text)
    .map((document) => z.looseObject({ kind: z.string() }).parse(document.toJS()))
    .find(({ kind }) => kind === 'Role');
  return rules
    .parse(role?.['rules'])
    .flatMap(({ resources, verbs }) =>
      resources.flatMap((it) => verbs.map((verb) => `${verb} ${it}`)),
    )
    .sort();
}

describe('the rights in deploy/rbac.yaml', () => {
  it('are enough for a whole session, and not one of them is unused', async () => {
    lab.cluster.requests.clear();
    const name = 'checkout';
    lab.cluster.addDeployment({ namespace: NAMESPACE, name });
    await lab.cluster.untilPod(NAMESPACE, name, () =>
      lab.cluster
        .pods(NAMESPACE)
        .some((it) => it.metadata.labels?.['app'] === name && it.status.phase === 'Running'),
    );
    const workload = { kind: 'workload', name, pick: 'unhealthy-first' } as const;
    for (const kind of ['StatefulSet', 'DaemonSet', 'Job'] as const) {
      const absent = usable(
        await lab.clusters.resolve({
          ...ask,
          target: { ...workload, workload: kind },
        }),
      );
      expect(absent).toMatchObject({ problem: 'target-not-found' });
    }
    const found = usable(
      await lab.clusters.resolve({
        ...ask,
        target: { ...workload, workload: 'Deployment' },
      }),
    );
    if (isProblem(found)) throw new Error(found.detail);
    const { pin } = found;
    const place = { cluster: CLUSTER, namespace: NAMESPACE, pin, containerName: 'hallpass-rights' };
    expect(await lab.clusters.add(place, debugContainer(place))).toBe('added');
    const seen = lab.clusters.follow(place, AbortSignal.timeout(10_000));
    await until(seen, (it) => it.kind === 'running');
    expect(await lab.clusters.run(place, ['/bin/true'])).toEqual({ exitCode: 0 });
    expect(await lab.clusters.writeLine(place)).toBe('done');
    expect(lab.cluster.requests.find({ status: 403 })).toEqual([]);
    const used = () => [...new Set(lab.cluster.requests.all().flatMap(rightsFor))].sort();
    // A watch is in the server's log once it is over.
    await expect.poll(used).toEqual(await grantedRights());
  });

  it('are none elsewhere: what is outside them is refused by the cluster itself', async () => {
    lab.cluster.addPod({ namespace: 'other', name: 'web' });
    const careless = lab.broker({ namespaces: ['*'] });
    const answer = usable(await careless.resolve({ ...ask, namespace: 'other' }));
    expect(answer).toMatchObject({
      problem: 'cluster-unauthorized',
      detail: expect.not.stringMatching(/system:serviceaccount/),
    });
    expect(inspect(lab.log.lines.at(-1), { depth: 5 })).toContain(
      'Grant "get" on "pods" in namespace "other"',
    );
  });
});
