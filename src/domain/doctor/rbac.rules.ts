import type { Right } from './rights.verdict.js';

/** A rule of a Role, as far as resources go (rbac.authorization.k8s.io/v1). */
export interface RbacRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
}

export interface RbacRole {
  /** Null: a ClusterRole. */
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: readonly RbacRule[];
  /** Of an aggregated ClusterRole: each a set of labels, all of which a ClusterRole must have to be taken in. */
  readonly aggregates: readonly Readonly<Record<string, string>>[];
}

export const SUBJECT_KINDS = ['User', 'Group', 'ServiceAccount'] as const;

export interface RbacSubject {
  readonly kind: (typeof SUBJECT_KINDS)[number];
  readonly name: string;
  /** Of a service account. */
  readonly namespace: string | null;
}

export interface RbacBinding {
  /** Null: a ClusterRoleBinding. */
  readonly namespace: string | null;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly role: { readonly kind: 'Role' | 'ClusterRole'; readonly name: string };
  readonly subjects: readonly RbacSubject[];
}

/** All that says who may do what. */
export interface Rbac {
  readonly roles: readonly RbacRole[];
  readonly bindings: readonly RbacBinding[];
}

/** That somebody has a right, and by what. */
export interface Holder {
  readonly subject: RbacSubject;
  readonly binding: RbacBinding;
  /** Null: everywhere. */
  readonly namespace: string | null;
  /** The names that it is for; empty: all. */
  readonly resourceNames: readonly string[];
}

/** `user:alice`, `group:developers`, `serviceaccount:shop/builder`. */
export function subjectText({ kind, name, namespace }: RbacSubject): string {
  return kind === 'ServiceAccount'
    ? `serviceaccount:${namespace ?? ''}/${name}`
    : `${kind.toLowerCase()}:${name}`;
}

/** The subject that a text names; undefined where it names none. */
export function readSubject(text: string): RbacSubject | undefined {
  const at = text.indexOf(':');
  const [kind, name] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || name === '') return undefined;
  if (kind === 'user') return { kind: 'User', name, namespace: null };
  if (kind === 'group') return { kind: 'Group', name, namespace: null };
  const [namespace = '', account = ''] = name.split('/');
  return kind === 'serviceaccount' && namespace !== '' && account !== ''
    ? { kind: 'ServiceAccount', name: account, namespace }
    : undefined;
}

/** Who a subject is to the API server: the user, and the groups that are known of it. */
export function accountOf({ kind, name, namespace }: RbacSubject): {
  readonly user: string;
  readonly groups: readonly string[];
} {
  const everybody = 'system:authenticated';
  if (kind === 'User') return { user: name, groups: [everybody] };
  // Nobody's name: what is asked is what the group alone gives.
  if (kind === 'Group') return { user: 'hallpass-doctor:nobody', groups: [name] };
  const accounts = 'system:serviceaccounts';
  return {
    user: `system:serviceaccount:${namespace ?? ''}:${name}`,
    groups: [accounts, `${accounts}:${namespace ?? ''}`, everybody],
  };
}

/**
 * Everybody who has a right, by the rules of RBAC (k8s.io/kubernetes, pkg/registry/rbac/validation/rule.go, and
 * plugin/pkg/auth/authorizer/rbac): a binding to a role that is not there gives nothing, and one in a namespace gives
 * what its role says in that namespace alone. What an aggregated ClusterRole will take in counts as taken in.
 *
 * @param namespaces those that are looked at; null: the right is the cluster's, which only a ClusterRoleBinding gives.
 */
export function holdersOf(
  rbac: Rbac,
  right: Right,
  namespaces: readonly string[] | null,
): readonly Holder[] {
  return rbac.bindings
    .filter(({ namespace }) =>
      namespaces === null
        ? namespace === null
        : namespace === null || namespaces.includes(namespace),
    )
    .flatMap((binding) => {
      const rules = rulesOf(rbac, binding).filter((rule) => covers(rule, right));
      if (rules.length === 0) return [];
      const isForAll = rules.some(({ resourceNames }) => resourceNames.length === 0);
      const resourceNames = isForAll ? [] : rules.flatMap((rule) => rule.resourceNames);
      return binding.subjects.map((subject) => ({
        subject: subject.kind === 'ServiceAccount' ? inNamespace(subject, binding) : subject,
        binding,
        namespace: binding.namespace,
        resourceNames,
      }));
    });
}

function inNamespace(subject: RbacSubject, { namespace }: RbacBinding): RbacSubject {
  return { ...subject, namespace: subject.namespace ?? namespace };
}

function rulesOf({ roles }: Rbac, { role, namespace }: RbacBinding): readonly RbacRule[] {
  const where = role.kind === 'Role' ? namespace : null;
  const found = roles.find((it) => it.namespace === where && it.name === role.name);
  if (!found) return [];
  const taken = roles.filter(
    (it) => it.namespace === null && found.aggregates.some((labels) => hasAll(it.labels, labels)),
  );
  return [...found.rules, ...taken.flatMap(({ rules }) => rules)];
}

function hasAll(
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

// A star stands for all of a list; before the slash of a subresource it is that of any resource.
function covers(rule: RbacRule, { verb, group, resource, subresource }: Right): boolean {
  const has = (list: readonly string[], wanted: string): boolean =>
    list.includes('*') || list.includes(wanted);
  const path = subresource === '' ? resource : `${resource}/${subresource}`;
  return (
    has(rule.verbs, verb) &&
    has(rule.apiGroups, group) &&
    (has(rule.resources, path) ||
      (subresource !== '' && rule.resources.includes(`*/${subresource}`)))
  );
}
