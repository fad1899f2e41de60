import { execFileSync } from 'node:child_process';
import { link, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClusterCredentials } from './cluster.credentials.js';
import { kubeconfigOf } from '../../../test/support/kubeconfig.js';

const SOON = { timeout: 8_000, interval: 20 };

let folder: string;
let path: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cluster-credentials-'));
});
beforeEach(() => {
  path = join(folder, `kubeconfig-${files++}`);
});
/** What still hangs would keep the process. */
afterEach(async () => {
  const hung = await open(`${path}.hung`, 'r+');
  await hung.close();
});
afterAll(() => rm(folder, { recursive: true }));

const kubeconfig = (token: string) => kubeconfigOf({ server: 'https://127.0.0.1:1' }, { token });

/** Puts a file in the place of the kubeconfig whose reading hangs until something is written into it. */
async function hang() {
  execFileSync('mkfifo', [`${path}.hung`]);
  await link(`${path}.hung`, `${path}.new`);
  await rename(`${path}.new`, path);
}

/** Lets go what hangs, with these words; from now on others stand there. */
async function letGo(text: string, now: string) {
  const hung = await open(path, 'w');
  await write(now);
  await hung.writeFile(text);
  await hung.close();
}

async function write(text: string) {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

function lab(filesMs: number) {
  const told: string[] = [];
  const tell = (_: object, message: string) => void told.push(message);
  const log = { info: tell, warn: tell, error: tell };
  const settings = { name: 'prod', inCluster: false, kubeconfig: path, namespaces: [] };
  const credentials = new ClusterCredentials(settings, log, () => undefined, filesMs);
  const token = async () => (await credentials.current()).getCurrentUser()?.token;
  return { credentials, token, told };
}

const readings = () =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'FSReqPromise').length;

test('files that hang hold up no call: the credentials before are used on, and that is told, until they can be read', async () => {
  const { credentials, token, told } = lab(300);
  await write(kubeconfig('good'));
  expect(await token()).toBe('good');
  await hang();
  await expect
    .poll(async () => [await token(), credentials.state().refusedSince !== null], SOON)
    .toEqual(['good', true]);
  const beganMs = performance.now();
  while (performance.now() - beganMs < 1_200) expect(await token()).toBe('good');
  // A second and more of looks later it is the same one reading.
  expect(readings()).toBe(1);
  expect(told).toEqual([expect.stringContaining('the credentials before are kept')]);
  await letGo(kubeconfig('better'), kubeconfig('best'));
  await expect.poll(token, SOON).toBe('best');
  expect(credentials.state().refusedSince).toBeNull();
});

test('where there are none from before, files that hang are a problem, for whoever comes later at once', async () => {
  const { credentials, token } = lab(300);
  await hang();
  await expect(token()).rejects.toThrow();
  const beganMs = performance.now();
  await expect(token()).rejects.toThrow();
  expect(performance.now() - beganMs).toBeLessThan(200);
  await letGo(kubeconfig('first'), kubeconfig('first'));
  await expect.poll(() => token().catch(() => 'none'), SOON).toBe('first');
  await credentials.close();
});

test('credentials that are refused while they are being read are read once more', async () => {
  const { credentials, token } = lab(10_000);
  await hang();
  const asked = token();
  const renewed = credentials.renew(performance.now());
  await letGo(kubeconfig('revoked'), kubeconfig('new'));
  expect([await renewed, await asked]).toEqual([true, 'new']);
});
