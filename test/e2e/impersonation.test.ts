import '../support/needs.containers.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PEOPLE } from '../../sandbox/identity/people.js';
import { celList, lockdownTexts } from '../lockdown/lockdown.files.js';
import { doctor, subject } from '../doctor/doctor.lab.js';
import { rightText } from './broker.rights.js';
import { IMAGE, NAMESPACE, RightsLab } from './rights.lab.js';

const WAYS = [
  { way: 'classic', file: 'rbac-impersonate.yaml', constraint: undefined },
  {
    way: 'constrained',
    file: 'rbac-impersonate-constrained.yaml',
    constraint: 'impersonate:user-info',
  },
] as const;

const ROBIN = `hallpass:${PEOPLE.requester.email}`;
/** What the broker does for people; all else it does for itself. */
const FOR_PEOPLE = /\/pods\/[^/]+\/(?:ephemeralcontainers|log|portforward)/;

describe.each(WAYS)('a broker that acts in people’s names ($way)', ({ way, file, constraint }) => {
  let lab: RightsLab;
  beforeAll(async () => {
    lab = await RightsLab.start(['rbac.yaml', 'rbac-evict.yaml', file], `${way}-broker`, {
      impersonate: {},
    });
    const values = {
      account: lab.account,
      sessionGroups: ['hallpass:sessions'],
      limits: { images: celList(IMAGE) },
    };
    lab.cluster.admission.use(...lockdownTexts('enforce', values));
    await lab.useAll();
  }, 120_000);
  afterAll(() => lab[Symbol.asyncDispose]());

  test('is named with them in the audit log of the API server, and so is the session', () => {
    const asked = lab.cluster.requests.find({ path: FOR_PEOPLE, user: lab.account });
    expect(asked.length).toBeGreaterThan(10);
    for (const { path, impersonated } of asked) {
      expect(impersonated?.user, path).toMatchObject({
        name: ROBIN,
        groups: ['hallpass:sessions', 'system:authenticated'],
        extra: { 'hallpass.dev/session': [expect.stringMatching(/^[0-9a-z]{16}$/)] },
      });
      expect(impersonated?.constraint).toBe(constraint);
    }
    const container = /hallpass-(\w{16})/;
    const entered = lab.cluster.requests
      .find({ path: /\/exec/ })
      .filter(({ impersonated }) => impersonated !== undefined);
    expect(entered.length).toBeGreaterThan(3);
    for (const { path, impersonated } of entered) {
      const session = container.exec(path)?.[1];
      expect(impersonated?.user.extra).toEqual({ 'hallpass.dev/session': [session] });
    }
  });

  test('does as itself what it does for itself: looking, and ending sessions on time', () => {
    for (const path of [/\/attach/, /\/eviction/, /[?&]watch=true/, /\/deployments\//]) {
      const asked = lab.cluster.requests.find({ path, user: lab.account });
      expect(asked.length, path.source).toBeGreaterThan(0);
      expect(asked.filter(({ impersonated }) => impersonated !== undefined)).toEqual([]);
    }
  });

  test('has the rights that it needs for it, and uses each of them', () => {
    const used = lab.asked().filter(({ allowed }) => allowed);
    // What it does in people's names it needs no right of its own for; rbac.yaml is the same everywhere.
    const unused = ['patch pods/ephemeralcontainers'];
    const granted = lab.granted.map(rightText).filter((it) => !unused.includes(it));
    expect(used.map(rightText).toSorted()).toEqual(granted.toSorted());
    const theirs = lab.asked(ROBIN);
    expect(theirs.filter(({ allowed }) => !allowed)).toEqual([]);
    expect(theirs.map(rightText).toSorted()).toEqual(lab.grantedToPeople.map(rightText).toSorted());
  });

  test('is found well by the doctor, who asks about it and about people apart', async () => {
    const { config, adminKubeconfig: kubeconfig } = lab.files;
    const own = await doctor({ config });
    const account = subject(`serviceaccount:${way}-broker/hallpass`);
    const impersonate = { userPrefix: 'hallpass:', group: 'hallpass:sessions' };
    const namespaces = [NAMESPACE];
    const asAdmin = await doctor({ kubeconfig, namespaces, account, impersonate });
    for (const found of [own, asAdmin]) {
      expect(found.of('rights').map(({ on }) => on.replace(/^.*\//, ''))).toEqual([
        'shop',
        'shop: act in people’s names',
        'shop: people in sessions',
      ]);
      expect(found.row('rights', ': act in people’s names').verdict).toBe('ok');
    }
    expect(asAdmin.of('rights').map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
    // By the constrained right it may not even ask in people's names what they may: that is not made up.
    const asked = own.row('rights', ': people in sessions');
    expect(asked.verdict).toBe(way === 'classic' ? 'ok' : 'unknown');
    expect(asAdmin.row('ways-around', ': add ephemeral containers').verdict).toBe('ok');
    expect(asAdmin.row('lock-down', '').verdict).toBe('ok');
  });

  test('says what is missing where it may not, and so does the doctor', async () => {
    const pod = await lab.pod();
    const { store } = lab.cluster.parts;
    const role = store.get('clusterroles', undefined, 'hallpass-impersonate');
    if (!role) throw new Error('there is no such role');
    store.put('clusterroles', { ...role, rules: [] });
    const found = await doctor({ config: lab.files.config });
    expect(found.row('rights', ': act in people’s names')).toMatchObject({
      verdict: 'failure',
      seen: expect.stringContaining(way === 'classic' ? 'impersonate users' : 'impersonate:user'),
      advice: expect.stringContaining(`deploy/${file}`),
    });
    const asked = lab.active({ pod });
    await expect(asked).rejects.toThrow(/does not let Hallpass act in people's names/);
    await expect(asked).rejects.toThrow(/apply deploy\/rbac-impersonate\.yaml/);
    expect(lab.cluster.pod(NAMESPACE, pod)?.spec.ephemeralContainers).toBeUndefined();
    store.put('clusterroles', role);
  });
});
