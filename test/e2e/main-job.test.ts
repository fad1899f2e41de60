import '../support/needs.containers.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { startCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import { givenCluster } from '../real-cluster/given.cluster.js';
import { ClusterWorld, PACES } from './cluster.world.js';
import { describeMainJob } from './main-job.js';

const images = { app: 'docker.io/library/app:1', debug: 'docker.io/library/busybox:1' };
const pace = PACES.standIn;

const opened = new AsyncDisposableStack();
let cluster: StandInCluster;
let folder: string;
let adminKubeconfig: string;
beforeAll(async () => {
  cluster = await startCluster();
  opened.defer(() => cluster.close());
  folder = await mkdtemp(join(tmpdir(), 'hallpass-stand-in-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  adminKubeconfig = join(folder, 'kubeconfig');
  await writeFile(adminKubeconfig, cluster.kubeconfig(), { mode: 0o600 });
});
afterAll(() => opened.disposeAsync());

describeMainJob('the main job on the stand-in cluster', {
  pace,
  settings: () => ({ adminKubeconfig, images }),
});

const Kubeconfig = z.looseObject({
  clusters: z.tuple([
    z.looseObject({ cluster: z.looseObject({ 'certificate-authority-data': z.string() }) }),
  ]),
});

test.each([
  ['in a file beside it', { 'certificate-authority': 'ca.crt' }],
  ['waived', { 'insecure-skip-tls-verify': true }],
])("an admin's kubeconfig may have its trust %s", async (_, trust) => {
  const kubeconfig = Kubeconfig.parse(parse(cluster.kubeconfig()));
  const [{ cluster: entry, ...named }] = kubeconfig.clusters;
  const { 'certificate-authority-data': _data, ...rest } = entry;
  const changed = { ...kubeconfig, clusters: [{ ...named, cluster: { ...rest, ...trust } }] };
  const path = join(folder, Object.keys(trust).join());
  await writeFile(path, stringify(changed), { mode: 0o600 });
  await writeFile(join(folder, 'ca.crt'), cluster.caPem);
  await using world = await ClusterWorld.start({ adminKubeconfig: path, images, pace });
  expect(await world.pod()).toMatchObject({ uid: expect.any(String) as unknown });
});

test('for a cluster of your own it says what to set first', () => {
  const all = { KUBECONFIG: '/k', TEST_APP_IMAGE: 'app:1', TEST_DEBUG_IMAGE: 'busybox:1' };
  expect(givenCluster(all)).toEqual({
    adminKubeconfig: '/k',
    images: { app: 'app:1', debug: 'busybox:1' },
  });
  for (const name of Object.keys(all)) {
    for (const value of ['', undefined]) {
      expect(givenCluster({ ...all, [name]: value })).toMatch(new RegExp(`^Set ${name} to `));
    }
  }
  expect(givenCluster({ ...all, KUBECONFIG: '/a:/b' })).toContain('one file');
});
