import type { Judgement, Verdict } from './finding.js';
import { listed, ok, Unseen, unknown } from './finding.js';
import type { Holder, Rbac, RbacSubject } from './rbac.rules.js';
import { holdersOf, subjectText } from './rbac.rules.js';
import type { Right } from './rights.verdict.js';

/** A way past Hallpass: rights of which each is enough. */
export interface WayAround {
  readonly name: string;
  readonly rights: readonly Right[];
  /** Where the rights count: in the namespaces that are debugged in, in Hallpass's own, or in the whole cluster. */
  readonly scope: 'namespace' | 'own' | 'cluster';
  readonly verdict: Extract<Verdict, 'warning' | 'failure'>;
  readonly advice: string;
}

const of = (verbs: readonly string[], path: string, group = ''): Right[] => {
  const [resource = '', subresource = ''] = path.split('/');
  return verbs.map((verb) => ({ verb, group, resource, subresource }));
};

export const WAYS_AROUND: readonly WayAround[] = [
  {
    name: 'add ephemeral containers',
    rights: of(['patch', 'update'], 'pods/ephemeralcontainers'),
    scope: 'namespace',
    verdict: 'failure',
    advice: 'take patch and update on pods/ephemeralcontainers from their role',
  },
  {
    name: 'run commands in containers',
    // A WebSocket's upgrade is a `get`, and before Kubernetes 1.35 nothing more was asked for.
    rights: of(['create', 'get'], 'pods/exec'),
    scope: 'namespace',
    verdict: 'warning',
    advice:
      'take pods/exec from their role, or enforce the lock-down kit, which keeps them out of sessions',
  },
  {
    name: 'attach to containers',
    rights: of(['create', 'get'], 'pods/attach'),
    scope: 'namespace',
    verdict: 'warning',
    advice:
      'take pods/attach from their role, or enforce the lock-down kit, which keeps them out of sessions',
  },
  {
    name: 'reach kubelets through nodes/proxy',
    // kubelets run commands for whoever may `get` it, and no admission policy sees it.
    rights: of(['get', 'create'], 'nodes/proxy'),
    scope: 'cluster',
    verdict: 'failure',
    advice:
      'take nodes/proxy from their role (nodes/metrics and nodes/stats are enough to monitor): no admission policy stops it',
  },
  {
    name: 'impersonate others',
    rights: [
      ...of(['impersonate'], 'users'),
      ...of(['impersonate'], 'groups'),
      ...of(['impersonate'], 'serviceaccounts'),
    ],
    scope: 'cluster',
    verdict: 'failure',
    advice: 'take impersonate from their role, or bound it by resourceNames',
  },
  {
    name: 'act as Hallpass’s account',
    // Kubernetes' own roles edit and admin have the first; what makes Pods there has the account as well.
    rights: [
      ...of(['impersonate'], 'serviceaccounts'),
      ...of(['create'], 'serviceaccounts/token'),
      ...of(['create'], 'pods'),
    ],
    scope: 'own',
    verdict: 'failure',
    advice:
      'keep the namespace of Hallpass to its operators: take impersonate, serviceaccounts/token and pods there from their role',
  },
];

/** The namespaces in which a way's rights count; null: they are the cluster's. */
export function namespacesOfWay(
  { scope }: WayAround,
  { namespaces, excepted }: Pick<Where, 'namespaces' | 'excepted'>,
): readonly string[] | null {
  if (scope === 'cluster') return null;
  return scope === 'namespace' ? namespaces : [excepted.account.namespace ?? ''];
}

/** Groups that hold whoever has any account, or none. */
const EVERYBODY: ReadonlySet<string> = new Set([
  'system:authenticated',
  'system:unauthenticated',
  'system:serviceaccounts',
]);

/** Whom nobody needs to be told of: who runs the cluster, its own parts, Hallpass, and who was excepted by name. */
export interface Excepted {
  readonly account: RbacSubject;
  readonly subjects: readonly RbacSubject[];
}

/** RBAC gives it nothing that it has not anyway: it may do all, whatever roles say. */
export const MASTERS = 'system:masters';

/**
 * Whether a holder is one of Kubernetes' own parts, by a binding that the API server itself makes and puts right: its
 * controllers, which may patch and get everything.
 */
function isOfKubernetes({ subject, binding }: Holder): boolean {
  return (
    binding.labels['kubernetes.io/bootstrapping'] === 'rbac-defaults' &&
    (subject.kind === 'ServiceAccount'
      ? subject.namespace === 'kube-system'
      : subject.kind === 'User' && subject.name.startsWith('system:kube-'))
  );
}

function isSame(one: RbacSubject, other: RbacSubject): boolean {
  return subjectText(one) === subjectText(other);
}

function isExcepted(subject: RbacSubject, { account, subjects }: Excepted): boolean {
  const isMasters = subject.kind === 'Group' && subject.name === MASTERS;
  return isMasters || isSame(subject, account) || subjects.some((it) => isSame(it, subject));
}

function isEverybody({ kind, name }: RbacSubject): boolean {
  return kind === 'Group' && (EVERYBODY.has(name) || name.startsWith('system:serviceaccounts:'));
}

/** Who has one of the rights of a way, in any of the namespaces, and is not excepted. */
export function strangersOn(
  way: WayAround,
  { rbac, namespaces, excepted }: Where,
): readonly Holder[] {
  const where = namespacesOfWay(way, { namespaces, excepted });
  return way.rights
    .flatMap((right) => holdersOf(rbac, right, where))
    .filter((holder) => !isOfKubernetes(holder) && !isExcepted(holder.subject, excepted))
    .filter(({ resourceNames }) => {
      // Over other accounts alone it is nothing that Hallpass's is.
      const isBounded = way.scope === 'own' && resourceNames.length > 0;
      return !isBounded || resourceNames.includes(excepted.account.name);
    });
}

interface Where {
  readonly rbac: Rbac;
  readonly namespaces: readonly string[];
  readonly excepted: Excepted;
}

/** Who could go one way around Hallpass, by what roles and bindings say. */
export function judgeWay(way: WayAround, where: Where): Judgement {
  const holders = strangersOn(way, where);
  if (holders.length === 0) return ok(`nobody else may ${way.name}`);
  const who = [...new Set(holders.map(holderText))];
  return {
    verdict: holders.some(({ subject }) => isEverybody(subject)) ? 'failure' : way.verdict,
    seen: `${listed(who)} may ${way.name}`,
    advice: `${way.advice}; name whom you trust with it by --except`,
  };
}

function holderText({ subject, binding, namespace, resourceNames }: Holder): string {
  const kind = binding.namespace === null ? 'ClusterRoleBinding' : 'RoleBinding';
  const bounded = resourceNames.length === 0 ? '' : `, of ${listed(resourceNames)} alone`;
  const where = namespace === null ? '' : ` in ${namespace}`;
  return `${subjectText(subject)} (${kind} ${binding.name}${where}${bounded})`;
}

/** Everybody whom bindings name and who is neither excepted nor one of Kubernetes' own. */
export function strangersOf({ rbac, excepted }: Omit<Where, 'namespaces'>): RbacSubject[] {
  const found = new Map<string, RbacSubject>();
  for (const binding of rbac.bindings) {
    for (const given of binding.subjects) {
      const namespace =
        given.kind === 'ServiceAccount' ? (given.namespace ?? binding.namespace) : null;
      const subject = { ...given, namespace };
      const holder: Holder = { subject, binding, namespace: null, resourceNames: [] };
      if (isOfKubernetes(holder) || isExcepted(subject, excepted)) continue;
      found.set(subjectText(subject), subject);
    }
  }
  return [...found.values()];
}

/** What the API server itself said of one subject. */
export interface Reviewed {
  readonly way: WayAround;
  readonly allowed: boolean | Unseen;
}

/** What one subject could do around Hallpass, by the API server's own answers: whatever authorizers it has. */
export function judgeSubject(answers: readonly Reviewed[]): Judgement {
  const ways = WAYS_AROUND.filter((way) =>
    answers.some((it) => it.way === way && it.allowed === true),
  );
  const [first] = ways;
  if (first) {
    return {
      verdict: ways.some(({ verdict }) => verdict === 'failure') ? 'failure' : 'warning',
      seen: `it may ${ways.map(({ name }) => name).join(', ')}`,
      advice: first.advice,
    };
  }
  const unseen = answers.find(({ allowed }) => allowed instanceof Unseen)?.allowed;
  return unseen instanceof Unseen ? unknown(unseen) : ok('it may go none of the ways around');
}
