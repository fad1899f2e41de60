import { afterAll, beforeAll, expect, it } from 'vitest';
import { Lab } from './replay.lab.js';

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.start(['web']);
});
afterAll(() => lab.close());

const POD = '/api/v1/namespaces/lab/pods/web';
const SESSION = { 'impersonate-extra-hallpass.dev%2Fsession': 'abc' };
const ROBIN = { 'impersonate-user': 'robin', 'impersonate-group': 'people', ...SESSION };

/** An account with such rules, and with which rules for the group `people`. */
function account(name: string, rules: object[], people: object[] = []): string {
  const { store, now } = lab.cluster.parts;
  const at = { creationTimestamp: now().toISOString() };
  for (const [role, kind, subject, given] of [
    [`of-${name}`, 'ServiceAccount', { name, namespace: 'lab' }, rules],
    [`of-people-${name}`, 'Group', { name: 'people' }, people],
  ] as const) {
    const metadata = { name: role, uid: role, resourceVersion: '', ...at };
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
    store.put('clusterroles', { kind: 'ClusterRole', apiVersion, metadata, rules: given as never });
    const subjects = [{ kind, ...subject }];
    store.put('clusterrolebindings', {
      ...{ kind: 'ClusterRoleBinding', apiVersion, metadata, roleRef, subjects },
    });
  }
  return lab.cluster.addServiceAccount({ namespace: 'lab', name });
}

async function read(token: string, headers: Record<string, string>) {
  const answer = await lab.client.send({ method: 'GET', path: POD, token, headers });
  const { message } = (answer.body ?? {}) as { message?: string };
  return { status: answer.status, message };
}

const on = (group: string, resource: string, verb: string, resourceNames?: string[]) => ({
  apiGroups: [group],
  resources: [resource],
  verbs: [verb],
  ...(resourceNames === undefined ? {} : { resourceNames }),
});
const CLASSIC = [
  on('', 'users', 'impersonate'),
  on('', 'groups', 'impersonate', ['people']),
  on('authentication.k8s.io', 'userextras/hallpass.dev/session', 'impersonate'),
];
const CONSTRAINED = [
  on('authentication.k8s.io', 'users', 'impersonate:user-info'),
  on('authentication.k8s.io', 'groups', 'impersonate:user-info', ['people']),
  on('authentication.k8s.io', 'userextras/hallpass.dev/session', 'impersonate:user-info'),
];

it('nobody acts as somebody else without the right, and it is told which one', async () => {
  const token = account('without', [on('', 'pods', 'get')]);
  expect(await read(token, ROBIN)).toEqual({
    status: 403,
    message: `pods "web" is forbidden: User "system:serviceaccount:lab:without" cannot impersonate-on:user-info:get resource "pods" in API group "" in the namespace "lab"`,
  });
});

it('by the classic right, a request may what the group may, not what its sender may', async () => {
  const token = account('classic', [...CLASSIC, on('', 'pods', 'get')]);
  expect(await read(token, ROBIN)).toMatchObject({
    status: 403,
    message: expect.stringContaining('User "robin" cannot get resource "pods"') as unknown,
  });
  const allowed = account('classic-allowed', CLASSIC, [on('', 'pods', 'get')]);
  expect(await read(allowed, ROBIN)).toMatchObject({ status: 200 });
  const [entry] = lab.cluster.requests.find({ status: 200, path: /pods\/web/ }).slice(-1);
  expect(entry).toMatchObject({
    user: 'system:serviceaccount:lab:classic-allowed',
    impersonated: { user: { name: 'robin', extra: { 'hallpass.dev/session': ['abc'] } } },
  });
});

it('each of user, group and extra needs its right', async () => {
  for (const index of CLASSIC.keys()) {
    const rules = CLASSIC.filter((_, at) => at !== index);
    const token = account(`lacks-${index}`, rules, [on('', 'pods', 'get')]);
    expect(await read(token, ROBIN)).toMatchObject({ status: 403 });
  }
  const token = account('other-group', CLASSIC, [on('', 'pods', 'get')]);
  const admin = { ...ROBIN, 'impersonate-group': 'system:masters' };
  expect(await read(token, admin)).toMatchObject({ status: 403 });
});

it('by the constrained right, only the verbs that are named may be used in somebody’s name', async () => {
  const group = [on('', 'pods', 'get')];
  const without = account('constrained-other', CONSTRAINED, group);
  expect(await read(without, ROBIN)).toMatchObject({ status: 403 });
  const rules = [...CONSTRAINED, on('', 'pods', 'impersonate-on:user-info:get')];
  const token = account('constrained', rules, group);
  expect(await read(token, ROBIN)).toMatchObject({ status: 200 });
  const [entry] = lab.cluster.requests.find({ status: 200, path: /pods\/web/ }).slice(-1);
  expect(entry?.impersonated?.constraint).toBe('impersonate:user-info');
});

it('a group without a user is a bad request, and what is not played is said to be so', async () => {
  const token = account('odd', CLASSIC);
  expect(await read(token, { 'impersonate-group': 'people' })).toMatchObject({ status: 400 });
  const node = { 'impersonate-user': 'system:node:n1' };
  expect(await read(token, node)).toMatchObject({ status: 501 });
});
