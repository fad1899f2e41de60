import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Authorizer } from '../../sandbox/cluster/authorizer.js';
import { newMeta } from '../../sandbox/cluster/object.operations.js';
import { ObjectStore } from '../../sandbox/cluster/object.store.js';
import type { Rbac, RbacSubject } from '../../src/domain/doctor/rbac.rules.js';
import {
  accountOf,
  holdersOf,
  readSubject,
  subjectText,
} from '../../src/domain/doctor/rbac.rules.js';
import { judgeSubject, judgeWay, WAYS_AROUND } from '../../src/domain/doctor/ways.around.js';

const VERSION = 'rbac.authorization.k8s.io/v1';
const some = <T>(...values: T[]) =>
  fc.subarray(values, { minLength: 1 }).map((it): readonly T[] => it);
const rule = fc.record({
  verbs: some('get', 'create', 'patch', '*'),
  apiGroups: some('', 'apps', '*'),
  resources: some('pods', 'pods/exec', '*/exec', '*', 'nodes/proxy'),
  resourceNames: fc.constantFrom([], ['web']),
});
const where = fc.constantFrom(null, 'shop', 'till');
const role = fc.record({
  namespace: where,
  name: fc.constantFrom('one', 'two'),
  labels: fc.constant({}),
  rules: fc.array(rule, { maxLength: 2 }),
  aggregates: fc.constant([]),
});
const someone = fc.constantFrom<RbacSubject>(
  { kind: 'User', name: 'alice', namespace: null },
  { kind: 'Group', name: 'developers', namespace: null },
  { kind: 'ServiceAccount', name: 'builder', namespace: 'shop' },
  { kind: 'ServiceAccount', name: 'builder', namespace: null },
);
const binding = fc
  .record({
    namespace: where,
    name: fc.constantFrom('a', 'b', 'c'),
    labels: fc.constant({}),
    role: fc.record({
      kind: fc.constantFrom('Role' as const, 'ClusterRole' as const),
      name: fc.constantFrom('one', 'two'),
    }),
    subjects: fc.array(someone, { maxLength: 2 }),
  })
  // The API server takes no others.
  .filter((it) => it.namespace !== null || it.role.kind === 'ClusterRole')
  .filter((it) => it.namespace !== null || it.subjects.every(isPlaced));
const key = (it: { namespace: string | null; name: string }) => `${it.namespace ?? ''}/${it.name}`;
const rbac: fc.Arbitrary<Rbac> = fc.record({
  roles: fc.uniqueArray(role, { selector: key, maxLength: 4 }),
  bindings: fc.uniqueArray(binding, { selector: key, maxLength: 5 }),
});
const asked = fc.constantFrom(
  { verb: 'create', group: '', resource: 'pods', subresource: 'exec' },
  { verb: 'patch', group: '', resource: 'pods', subresource: '' },
  { verb: 'get', group: '', resource: 'nodes', subresource: 'proxy' },
);

function isPlaced({ kind, namespace }: RbacSubject): boolean {
  return kind !== 'ServiceAccount' || namespace !== null;
}

/** The same roles and bindings in the cluster that the sandbox plays, whose authorizer was written apart from ours. */
function authorizerOf({ roles, bindings }: Rbac): Authorizer {
  const store = new ObjectStore();
  const meta = (it: { namespace: string | null; name: string }) =>
    newMeta({ name: it.name }, it.namespace ?? undefined, new Date(0));
  for (const { rules, ...it } of roles) {
    const kind = it.namespace === null ? 'ClusterRole' : 'Role';
    store.put(it.namespace === null ? 'clusterroles' : 'roles', {
      ...{ kind, apiVersion: VERSION, metadata: meta(it) },
      rules: rules.map((given) => ({
        verbs: [...given.verbs],
        apiGroups: [...given.apiGroups],
        resources: [...given.resources],
        resourceNames: [...given.resourceNames],
      })),
    });
  }
  for (const it of bindings) {
    const kind = it.namespace === null ? 'ClusterRoleBinding' : 'RoleBinding';
    store.put(it.namespace === null ? 'clusterrolebindings' : 'rolebindings', {
      ...{ kind, apiVersion: VERSION, metadata: meta(it), roleRef: it.role },
      subjects: it.subjects.map(({ namespace, ...who }) => ({
        ...who,
        ...(namespace === null ? {} : { namespace }),
      })),
    });
  }
  return new Authorizer(store);
}

describe('who may do what', () => {
  test('is told of everybody as an authorizer decides it that was written apart from it', () => {
    fc.assert(
      fc.property(rbac, asked, someone.filter(isPlaced), where, (all, right, who, namespace) => {
        const holders = holdersOf(all, right, namespace === null ? null : [namespace]);
        const mine = holders.filter(({ subject }) => subjectText(subject) === subjectText(who));
        const { user, groups } = accountOf(who);
        const may = (name?: string) =>
          authorizerOf(all).decide(
            { name: user, groups },
            { ...right, namespace: namespace ?? undefined, name },
          ).allowed;
        // A right over one object alone counts as held: of whatever is asked, some of it may be done.
        expect(mine.length > 0).toBe(may() || may('web'));
        expect(mine.some(({ resourceNames }) => resourceNames.length === 0)).toBe(may());
      }),
      { numRuns: 500 },
    );
  });

  const exec = { verbs: ['create'], apiGroups: [''], resources: ['pods/exec'], resourceNames: [] };
  const aggregated = {
    ...{ namespace: null, name: 'edit', labels: {}, rules: [] },
    aggregates: [{ 'rbac.example.com/aggregate-to-edit': 'true' }],
  };
  const taken = {
    ...{ namespace: null, name: 'exec', rules: [exec], aggregates: [] },
    labels: { 'rbac.example.com/aggregate-to-edit': 'true' },
  };
  const bound = (subject: RbacSubject, labels: Record<string, string> = {}): Rbac => ({
    roles: [aggregated, taken],
    bindings: [
      {
        ...{ namespace: 'shop', name: 'editors', labels, subjects: [subject] },
        role: { kind: 'ClusterRole', name: 'edit' },
      },
    ],
  });
  const excepted = {
    account: { kind: 'ServiceAccount', name: 'hallpass', namespace: 'hallpass' } as const,
    subjects: [],
  };
  const [, running] = WAYS_AROUND;
  const look = (all: Rbac, more: Partial<typeof excepted> = {}, namespaces = ['shop']) =>
    running && judgeWay(running, { rbac: all, namespaces, excepted: { ...excepted, ...more } });
  const developers: RbacSubject = { kind: 'Group', name: 'developers', namespace: null };

  test('an aggregated role gives what it takes in', () => {
    expect(look(bound(developers))).toMatchObject({
      verdict: 'warning',
      seen: expect.stringContaining('group:developers (RoleBinding editors in shop)'),
    });
  });

  test('a binding of another namespace is nobody’s business', () => {
    expect(look(bound(developers), {}, ['till'])?.verdict).toBe('ok');
  });

  test('who may become Hallpass in its own namespace fails, and who may become others there does not', () => {
    const own = WAYS_AROUND.find(({ scope }) => scope === 'own');
    const holding = (
      verb: string,
      resource: string,
      resourceNames: string[],
      namespace: string,
    ) => {
      const rules = [{ verbs: [verb], apiGroups: [''], resources: [resource], resourceNames }];
      const all: Rbac = {
        roles: [{ namespace, name: 'its', labels: {}, rules, aggregates: [] }],
        bindings: [
          {
            ...{ namespace, name: 'its', labels: {}, subjects: [developers] },
            role: { kind: 'Role', name: 'its' },
          },
        ],
      };
      return own && judgeWay(own, { rbac: all, namespaces: ['shop'], excepted }).verdict;
    };
    expect(holding('impersonate', 'serviceaccounts', [], 'hallpass')).toBe('failure');
    expect(holding('impersonate', 'serviceaccounts', ['hallpass'], 'hallpass')).toBe('failure');
    expect(holding('create', 'serviceaccounts/token', [], 'hallpass')).toBe('failure');
    expect(holding('create', 'pods', [], 'hallpass')).toBe('failure');
    expect(holding('impersonate', 'serviceaccounts', ['other'], 'hallpass')).toBe('ok');
    expect(holding('impersonate', 'serviceaccounts', [], 'shop')).toBe('ok');
  });

  test('a right of everybody fails', () => {
    const everybody: RbacSubject = { kind: 'Group', name: 'system:authenticated', namespace: null };
    expect(look(bound(everybody))?.verdict).toBe('failure');
  });

  test('whom the operator excepted, Hallpass and the masters are not told of', () => {
    const subjects = [developers] as never[];
    expect(look(bound(developers), { subjects })?.verdict).toBe('ok');
    expect(look(bound(excepted.account))?.verdict).toBe('ok');
    const masters: RbacSubject = { kind: 'Group', name: 'system:masters', namespace: null };
    expect(look(bound(masters))?.verdict).toBe('ok');
  });

  test('Kubernetes’ own controllers are not told of, others by the same binding are', () => {
    const own = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    const controller: RbacSubject = {
      ...{ kind: 'ServiceAccount', name: 'generic-garbage-collector' },
      namespace: 'kube-system',
    };
    expect(look(bound(controller, own))?.verdict).toBe('ok');
    expect(look(bound(controller))?.verdict).toBe('warning');
    expect(look(bound(developers, own))?.verdict).toBe('warning');
  });

  test('a subject is judged by the worst that it may do', () => {
    const answers = WAYS_AROUND.map((way) => ({ way, allowed: way === running }));
    expect(judgeSubject(answers).verdict).toBe('warning');
    expect(judgeSubject(answers.map((it) => ({ ...it, allowed: true }))).verdict).toBe('failure');
    expect(judgeSubject(answers.map((it) => ({ ...it, allowed: false }))).verdict).toBe('ok');
  });

  test('a subject that is written is the one that is read', () => {
    for (const text of ['user:alice', 'group:a:b', 'serviceaccount:shop/builder']) {
      const read = readSubject(text);
      expect(read && subjectText(read)).toBe(text);
    }
    for (const text of ['alice', 'user:', 'serviceaccount:builder', 'robot:x']) {
      expect(readSubject(text)).toBeUndefined();
    }
  });
});
