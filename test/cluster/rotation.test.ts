import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { generate } from 'selfsigned';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { KubernetesClusters } from '../../src/adapters/kubernetes/kubernetes.clusters.js';
import { MountedSecret } from '../support/mounted.secret.js';
import { BrokerLab, CLUSTER, NAMESPACE, present } from './broker.lab.js';
import { kubeconfigOf } from '../support/kubeconfig.js';

const SOON = { timeout: 8_000, interval: 20 };
const ACCOUNT = { namespace: 'hallpass', name: 'hallpass' };

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab.close());

/** What the tests themselves look with is rotated as well. */
beforeEach(async () => {
  await writeFile(lab.kubeconfig, lab.cluster.kubeconfig('hallpass/hallpass'));
  const target = { kind: 'pod', name: 'none' } as const;
  await expect
    .poll(() => lab.clusters.resolve({ cluster: CLUSTER, namespace: NAMESPACE, target }), SOON)
    .toMatchObject({ pin: null, unfit: { problem: 'target-not-found' } });
});

/** Names its files beside it, as they are in the Secret. */
function kubeconfig(server = lab.cluster.url, user: object = { tokenFile: 'token' }): string {
  return kubeconfigOf({ server, 'certificate-authority': 'ca.crt' }, user);
}

const newToken = () => lab.cluster.addServiceAccount(ACCOUNT);
const revoke = () => lab.cluster.parts.authenticator.revokeServiceAccount('hallpass', 'hallpass');
const filesNow = (over: object = {}) => ({
  kubeconfig: kubeconfig(),
  'ca.crt': lab.cluster.caPem,
  token: newToken(),
  ...over,
});

async function mounted(files: Record<string, string>) {
  const secret = new MountedSecret(await mkdtemp(join(lab.folder, 'secret-')));
  await secret.write(files);
  const broker = lab.broker({ kubeconfig: secret.path('kubeconfig') });
  return { secret, broker };
}

const refusedSince = (broker: KubernetesClusters) =>
  present(broker.health()[0]).credentials.refusedSince;

const warnings = () =>
  lab.log.lines.filter(({ message }) => message.includes('the credentials before are kept')).length;

describe('a Secret that is rotated while sessions run', () => {
  it('with a new token and a new authority is taken up without a restart, and what is followed goes on', async () => {
    const place = await lab.running();
    const { secret, broker } = await mounted(filesNow());
    const following = new AbortController();
    const kinds: string[] = [];
    const followed = (async () => {
      for await (const { kind } of broker.follow(place, following.signal)) kinds.push(kind);
    })();
    await expect.poll(() => kinds, SOON).toEqual(['running']);

    revoke();
    await lab.cluster.renewCertificate();
    lab.cluster.dropConnections();
    expect(await broker.observe(place)).toMatchObject({ problem: 'cluster-unavailable' });
    await secret.write(filesNow());
    await expect.poll(() => broker.observe(place), SOON).toMatchObject({ kind: 'running' });

    expect(await broker.writeLine(place)).toBe('done');
    await expect.poll(() => kinds.at(-1), SOON).toBe('terminated');
    following.abort();
    await followed;
  });

  it('is read at once where the cluster takes the token of before no more, by calls and by streams', async () => {
    const place = await lab.running();
    const calls = await mounted(filesNow());
    const streams = await mounted(filesNow());
    expect(await calls.broker.observe(place)).toMatchObject({ kind: 'running' });
    expect(await streams.broker.run(place, ['/bin/true'])).toEqual({ exitCode: 0 });
    revoke();
    const files = filesNow();
    await Promise.all([calls, streams].map(({ secret }) => secret.write(files)));
    lab.cluster.requests.clear();
    const answers = await Promise.all([
      calls.broker.observe(place),
      streams.broker.run(place, ['/bin/true']),
    ]);
    expect(answers).toEqual([expect.objectContaining({ kind: 'running' }), { exitCode: 0 }]);
    expect(lab.cluster.requests.find({ status: 401 })).toHaveLength(2);
  });

  it('of the service account of the Pod that Hallpass runs in is taken up like any other', async () => {
    const place = await lab.running();
    const root = await mkdtemp(join(lab.folder, 'pod-'));
    const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(folder, { recursive: true });
    const secret = new MountedSecret(folder);
    await secret.write({ 'ca.crt': lab.cluster.caPem, token: newToken() });
    const { hostname, port } = new URL(lab.cluster.url);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port);
    const clusters = [{ name: CLUSTER, inCluster: true, podRoot: root, namespaces: [NAMESPACE] }];
    const broker = new KubernetesClusters({ clusters, log: lab.log });
    try {
      expect(await broker.observe(place)).toMatchObject({ kind: 'running' });
      revoke();
      await secret.write({ 'ca.crt': lab.cluster.caPem, token: newToken() });
      expect(await broker.observe(place)).toMatchObject({ kind: 'running' });
    } finally {
      vi.unstubAllEnvs();
      await broker.close();
    }
  });

  it('keeps its connections where only the token is another', async () => {
    const place = await lab.running();
    const { secret, broker } = await mounted(filesNow());
    // A connection is free again a moment after its answer was read, and may be too late for the next call: more are there.
    await Promise.all(Array.from({ length: 4 }, () => broker.observe(place)));
    const before = present(broker.health()[0]).credentials.readAt;
    const { made } = lab.cluster.connections;
    await secret.write(filesNow());
    await expect
      .poll(async () => {
        await broker.observe(place);
        return present(broker.health()[0]).credentials.readAt;
      }, SOON)
      .not.toEqual(before);
    expect(await broker.observe(place)).toMatchObject({ kind: 'running' });
    expect(lab.cluster.connections.made).toBe(made);
  });

  it('to what cannot be used is not taken up: what was good is used on, and that is told once, and shown, until it is mended', async () => {
    const place = await lab.running();
    const good = filesNow();
    const broken: Record<string, string | undefined>[] = [
      { token: undefined },
      { token: '\n' },
      { token: 'half\nof-a-secret' },
      { 'ca.crt': '-----BEGIN CERTIFICATE-----\nMIIB' },
      { kubeconfig: 'users: [{name: u, user: {token: "half-of-a' },
      { kubeconfig: 'clusters: []' },
    ];
    const all = await Promise.all(broken.map(() => mounted(good)));
    const told = warnings();
    const looked = async () => ({
      answers: await Promise.all(all.map(({ broker }) => broker.observe(place))),
      shown: all.map(({ broker }) => refusedSince(broker) !== null),
      told: warnings() - told,
    });
    const answers = broken.map(() => expect.objectContaining({ kind: 'running' }) as object);
    const after = (isShown: boolean, times: number) => ({
      answers,
      shown: broken.map(() => isShown),
      told: times,
    });
    expect(await looked()).toEqual(after(false, 0));
    await Promise.all(all.map(({ secret }, at) => secret.write(there({ ...good, ...broken[at] }))));
    await expect.poll(looked, SOON).toEqual(after(true, broken.length));
    await Promise.all(all.map(({ secret }) => secret.write(good)));
    await expect.poll(looked, SOON).toEqual(after(false, broken.length));
    expect(JSON.stringify(lab.log.lines, errorsToo)).not.toMatch(/half-?\n?of-a/);
  });

  it.skipIf(process.getuid?.() === 0)('so that it may not be read is not taken up', async () => {
    const place = await lab.running();
    const { secret, broker } = await mounted(filesNow());
    expect(await broker.observe(place)).toMatchObject({ kind: 'running' });
    await chmod(secret.path('token'), 0);
    await expect
      .poll(async () => [await broker.observe(place), refusedSince(broker) !== null], SOON)
      .toEqual([expect.objectContaining({ kind: 'running' }), true]);
  });
});

function there(files: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(files).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

/** Errors have nothing that JSON would show. */
function errorsToo(_: string, value: unknown): unknown {
  return value instanceof Error ? `${String(value)} ${String(value.cause)}` : value;
}

describe('a client certificate', () => {
  const POD = { metadata: { name: 'web', uid: 'u' }, spec: { containers: [] }, status: {} };
  const seen: string[] = [];
  let server: Server;
  let caPem: string;
  beforeAll(async () => {
    const certificate = await makeServerCertificate();
    ({ caPem } = certificate);
    const { certPem: cert, keyPem: key } = certificate;
    server = createServer(
      { cert, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const { subject } = (request.socket as TLSSocket).getPeerCertificate();
        seen.push(String(subject.CN));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(POD));
      },
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** One that names itself so, with its key. */
  async function clientCertificate(name: string) {
    const made = await generate([{ name: 'commonName', value: name }], { keyType: 'ec' });
    return { 'client.crt': made.cert, 'client.key': made.private };
  }

  it('that is rotated is shown from then on, and one whose key is another one’s never', async () => {
    const { port } = server.address() as AddressInfo;
    const user = { 'client-certificate': 'client.crt', 'client-key': 'client.key' };
    const common = {
      kubeconfig: kubeconfig(`https://127.0.0.1:${port}`, user),
      'ca.crt': caPem,
    };
    const { secret, broker } = await mounted({ ...common, ...(await clientCertificate('first')) });
    const place = {
      cluster: CLUSTER,
      namespace: 'shop',
      pin: { podName: 'web', podUid: 'u', nodeName: 'n' },
      containerName: 'x',
    };
    const shown = async () => {
      await broker.observe(place);
      return [seen.at(-1), refusedSince(broker) !== null];
    };
    expect(await shown()).toEqual(['first', false]);
    const second = await clientCertificate('second');
    await secret.write({ ...common, ...second });
    await expect.poll(shown, SOON).toEqual(['second', false]);
    const third = await clientCertificate('third');
    await secret.write({ ...common, ...third, 'client.key': second['client.key'] });
    await expect.poll(shown, SOON).toEqual(['second', true]);
  });
});
