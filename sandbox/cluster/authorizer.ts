import type { AskedRights } from './asked.rights.js';
import type { User } from './authenticator.js';
import type { ObjectStore } from './object.store.js';
import type { PolicyRule, Subject } from './rbac.schema.js';
import type { RequestInfo } from './request.info.js';
import { forbidden, refuse, type Refusal } from './status.objects.js';

/** What is asked of RBAC, in its own terms. */
export interface Attributes {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  namespace?: string | undefined;
  name?: string | undefined;
  /** Set for paths that are no resource (`/version`). */
  path?: string;
}

export interface Verdict {
  allowed: boolean;
  reason: string;
}

/** Kubernetes RBAC over the Roles and bindings in the store; `system:masters` may do all. */
export class Authorizer {
  constructor(
    private readonly store: ObjectStore,
    private readonly asked?: AskedRights,
  ) {}

  /** The decision about a request that is made now, which is noted; {@link decide} alone is for those who only ask. */
  authorize(user: User, needed: Attributes): Verdict {
    const verdict = this.decide(user, needed);
    this.asked?.note(user.name, needed, verdict.allowed);
    return verdict;
  }

  /** Says yes with RBAC's own reason (measured: get/self-subject-access-review.json), or no with none. */
  decide(user: User, asked: Attributes): Verdict {
    if (user.groups.includes('system:masters')) return { allowed: true, reason: '' };
    for (const binding of this.store.list('clusterrolebindings')) {
      const subject = binding.subjects?.find((s) => speaksFor(s, user, ''));
      if (subject === undefined) continue;
      const role = this.store.get('clusterroles', undefined, binding.roleRef.name);
      if (!role?.rules?.some((rule) => covers(rule, asked))) continue;
      return {
        allowed: true,
        reason: `RBAC: allowed by ClusterRoleBinding "${binding.metadata.name}" of ClusterRole "${role.metadata.name}" to ${describe(subject, '')}`,
      };
    }
    if (asked.namespace === undefined || asked.namespace === '') {
      return { allowed: false, reason: '' };
    }
    const namespace = asked.namespace;
    for (const binding of this.store.list('rolebindings', namespace)) {
      const subject = binding.subjects?.find((s) => speaksFor(s, user, namespace));
      if (subject === undefined) continue;
      const { kind, name } = binding.roleRef;
      const role =
        kind === 'ClusterRole'
          ? this.store.get('clusterroles', undefined, name)
          : this.store.get('roles', namespace, name);
      if (!role?.rules?.some((rule) => covers(rule, asked))) continue;
      const owner = kind === 'ClusterRole' ? name : `${name}/${namespace}`;
      return {
        allowed: true,
        reason: `RBAC: allowed by RoleBinding "${binding.metadata.name}/${namespace}" of ${kind} "${owner}" to ${describe(subject, namespace)}`,
      };
    }
    return { allowed: false, reason: '' };
  }

  /** `undefined` when allowed, the server's 403 otherwise (measured: patch/rbac-denied.json, patch/anonymous.json). */
  check(user: User, info: RequestInfo): Refusal | undefined {
    return this.checkAttributes(user, attributesOf(info));
  }

  /** The same for a right that is no request's own. */
  checkAttributes(user: User, needed: Attributes): Refusal | undefined {
    if (this.authorize(user, needed).allowed) return undefined;
    const { verb, group, resource, subresource, namespace, name, path } = needed;
    if (path !== undefined) {
      return refuse({
        code: 403,
        reason: 'Forbidden',
        message: `forbidden: User "${user.name}" cannot ${verb} path "${path}"`,
        details: {},
      });
    }
    const what = subresource ? `${resource}/${subresource}` : resource;
    const where = namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
    return forbidden(
      { group, resource, name },
      `User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`,
    );
  }
}

export function attributesOf(info: RequestInfo): Attributes {
  const { verb, group, resource, subresource, namespace, name } = info;
  return {
    verb,
    group,
    resource,
    subresource,
    namespace,
    name,
    ...(info.isResource ? {} : { path: info.path }),
  };
}

function describe(subject: Subject, bindingNamespace: string): string {
  return subject.kind === 'ServiceAccount'
    ? `ServiceAccount "${subject.name}/${subject.namespace ?? bindingNamespace}"`
    : `${subject.kind} "${subject.name}"`;
}

function speaksFor(subject: Subject, user: User, bindingNamespace: string): boolean {
  if (subject.kind === 'User') return subject.name === user.name;
  if (subject.kind === 'Group') return user.groups.includes(subject.name);
  const namespace = subject.namespace ?? bindingNamespace;
  return (
    subject.kind === 'ServiceAccount' &&
    user.name === `system:serviceaccount:${namespace}:${subject.name}`
  );
}

function covers(rule: PolicyRule, asked: Attributes): boolean {
  if (!includes(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined) {
    const path = asked.path;
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path,
    );
  }
  if (!includes(rule.apiGroups ?? [], asked.group)) return false;
  const wanted = asked.subresource ? `${asked.resource}/${asked.subresource}` : asked.resource;
  const covered = (rule.resources ?? []).some(
    (resource) =>
      resource === '*' ||
      resource === wanted ||
      (asked.subresource !== '' && resource === `*/${asked.subresource}`),
  );
  if (!covered) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (asked.name !== undefined && names.includes(asked.name));
}

function includes(list: readonly string[], wanted: string): boolean {
  return list.includes('*') || list.includes(wanted);
}
