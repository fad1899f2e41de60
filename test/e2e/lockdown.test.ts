import '../support/needs.containers.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROKER_RIGHTS } from '../../sandbox/broker/broker.account.js';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { kubeconfigYaml } from '../../sandbox/cluster/kubeconfig.js';
import { celList, lockdownTexts } from '../lockdown/lockdown.files.js';
import { IMAGE, NAMESPACE, RightsLab } from './rights.lab.js';

/** The whole product in a cluster that enforces the lock-down kit, beside people with every right that RBAC can give. */
const ACCOUNT = 'system:serviceaccount:locked-in:hallpass';
const kubectls: Kubectl[] = [];
let lab: RightsLab;
beforeAll(async () => {
  lab = await RightsLab.start(BROKER_RIGHTS, 'locked-in');
  const limits = { images: celList(IMAGE) };
  lab.cluster.admission.use(
    ...lockdownTexts('enforce', { account: ACCOUNT, exceptGroups: ['firefighters'], limits }),
  );
});
afterAll(async () => {
  await Promise.all(kubectls.map((kubectl) => kubectl.close()));
  await lab[Symbol.asyncDispose]();
});

/** kubectl of somebody whom RBAC lets do anything. */
async function kubectlOf(name: string, group: string): Promise<Kubectl> {
  const { url, caPem, parts } = lab.cluster;
  const groups = [group, 'system:masters'];
  const token = parts.authenticator.issueForUser({ name, groups });
  const kubectl = await Kubectl.with(kubeconfigYaml({ url, caPem, user: name, token }), '1.36');
  kubectls.push(kubectl);
  return kubectl;
}

const debug = (pod: string) => ['debug', pod, '-n', NAMESPACE, `--image=${IMAGE}`, '--', 'true'];

test('the whole product goes on as before: nothing that it asks for is refused', async () => {
  await lab.useAll();
  const told = lab.cluster.requests.all().filter(({ annotations }) => 0 < size(annotations));
  expect(told).toEqual([]);
  const added = lab.cluster.requests.find({ method: 'PATCH', path: /ephemeralcontainers/ });
  expect(added.length).toBeGreaterThan(10);
}, 120_000);

test('an admin of the cluster adds no debug container, and reads what to do instead', async () => {
  const kubectl = await kubectlOf('mallory', 'admins');
  const pod = await lab.pod();
  const { exitCode, stderr } = await kubectl.run(debug(pod));
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Only Hallpass adds debug containers to Pods. Ask it for a session');
  expect(lab.cluster.pod(NAMESPACE, pod)?.spec.ephemeralContainers).toBeUndefined();
});

test('an admin of the cluster enters no session, and any other container as before', async () => {
  const kubectl = await kubectlOf('mallory', 'admins');
  const pod = await lab.pod();
  const { container } = await lab.active({ pod });
  const into = (name: string) =>
    kubectl.run(['exec', '-n', NAMESPACE, pod, '-c', name, '--', 'id']);
  const refused = await into(container?.name ?? '');
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('entered through Hallpass only');
  expect(await into('app')).toMatchObject({ exitCode: 0 });
});

test('people of a break-glass group are let through, are warned, and are in the audit log', async () => {
  const kubectl = await kubectlOf('fran', 'firefighters');
  const pod = await lab.pod();
  const { exitCode, stderr } = await kubectl.run(debug(pod));
  expect(exitCode).toBe(0);
  expect(stderr).toContain('Warning: Validation failed');
  expect(stderr).toContain('past Hallpass by a break-glass group, and is reported');
  const [entry] = lab.cluster.requests.find({ method: 'PATCH', user: 'fran' });
  expect(entry?.annotations).toMatchObject({
    'hallpass-break-glass/used': 'fran by break-glass: ephemeralcontainers',
  });
});

function size(record: object): number {
  return Object.keys(record).length;
}
