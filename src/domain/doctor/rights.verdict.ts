import type { ClusterRight, RightSet } from '../cluster.rights.js';
import { CLUSTER_RIGHTS } from '../cluster.rights.js';
import type { Judgement } from './finding.js';
import { failure, listed, ok, Unseen, unknown, warning } from './finding.js';

/** A right as RBAC has it; without a namespace where it is the cluster's. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** One object alone; none: any. */
  readonly name?: string;
}

/** Whether an account has a right. */
export interface Answered<R extends Right = Right> {
  readonly right: R;
  readonly allowed: boolean | Unseen;
}

export function rightText({ verb, group, resource, subresource, name }: Right): string {
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const whose = name === undefined ? '' : ` ${name}`;
  return `${verb} ${group === '' ? what : `${what}.${group}`}${whose}`;
}

/** The line that gives a right, as a Role has it. */
export function yamlLine({ verb, group, resource, subresource }: Right): string {
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  return `{ apiGroups: ['${group}'], resources: ['${what}'], verbs: ['${verb}'] }`;
}

const FILES: Readonly<Record<RightSet, string>> = {
  always: 'deploy/rbac.yaml',
  evict: 'deploy/rbac-evict.yaml',
  logs: 'deploy/rbac-logs.yaml',
  portforward: 'deploy/rbac-portforward.yaml',
};

/** What the sets are for that not every installation needs. */
const FOR: Readonly<Record<Exclude<RightSet, 'always'>, string>> = {
  evict: 'policies with onOverrun: evict',
  logs: 'kubectl logs',
  portforward: 'policies with portForward: true',
};

/** Whose rights they are, and which Role gives them. */
const ITS_OWN = { who: 'it', has: 'it has', need: 'it needs', role: 'the Role there' };
const PEOPLES = {
  who: 'the group of people in sessions',
  has: 'it has',
  need: 'people need',
  role: 'the Role hallpass-sessions there (deploy/rbac-impersonate.yaml)',
};

/**
 * What is missing of what Hallpass needs in one namespace, or of what people need in whose names it acts.
 *
 * @param sets those that its policies call for; `always` is among them whatever is given.
 */
export function judgeNeeded(
  answers: readonly Answered<ClusterRight>[],
  sets: ReadonlySet<RightSet>,
  of: 'its own' | 'of people' = 'its own',
): Judgement {
  const { who, has, need, role } = of === 'its own' ? ITS_OWN : PEOPLES;
  const isDue = ({ right: { set } }: Answered<ClusterRight>): boolean =>
    set === 'always' || sets.has(set);
  const missing = answers.filter((it) => it.allowed === false && isDue(it));
  const [first] = missing;
  if (first) {
    return failure(
      `${who} may not ${listed(missing.map(({ right }) => rightText(right)))}`,
      `add ${missing.map(({ right }) => yamlLine(right)).join(' ')} to ${role}${of === 'its own' ? ` (${FILES[first.right.set]})` : ''}`,
    );
  }
  const unseen = answers.find((it) => it.allowed instanceof Unseen && isDue(it))?.allowed;
  if (unseen instanceof Unseen) return unknown(unseen);
  const without = [
    ...new Set(answers.filter((it) => !isDue(it) && it.allowed !== true).map(setOf)),
  ];
  const had = answers.filter((it) => it.allowed === true).length;
  return ok(
    `${has} the ${had} rights that ${need}${without.length === 0 ? '' : `, and none for ${without.join(' and ')}, which nothing asks for`}`,
  );
}

function setOf({ right: { set } }: Answered<ClusterRight>): string {
  return set === 'always' ? '' : FOR[set];
}

const beyond = (verb: string, path: string, group = ''): Right => {
  const [resource = '', subresource = ''] = path.split('/');
  return { verb, group, resource, subresource };
};

/** Rights that Hallpass never needs and that would make more of a stolen token than its sessions. */
export const RIGHTS_BEYOND: readonly Right[] = [
  beyond('*', '*', '*'),
  beyond('get', 'secrets'),
  beyond('list', 'secrets'),
  beyond('create', 'pods'),
  beyond('update', 'pods'),
  beyond('patch', 'pods'),
  beyond('delete', 'pods'),
  beyond('create', 'deployments', 'apps'),
  beyond('patch', 'deployments', 'apps'),
  beyond('create', 'jobs', 'batch'),
  beyond('create', 'serviceaccounts/token'),
  beyond('create', 'rolebindings', 'rbac.authorization.k8s.io'),
];

/** The same for rights that no namespace bounds. */
export const CLUSTER_RIGHTS_BEYOND: readonly Right[] = [
  beyond('get', 'nodes/proxy'),
  beyond('create', 'nodes/proxy'),
  beyond('create', 'clusterrolebindings', 'rbac.authorization.k8s.io'),
  beyond('escalate', 'clusterroles', 'rbac.authorization.k8s.io'),
];

/** What an account has beyond what Hallpass needs. Who may all may each: that alone is told then. */
export function judgeBeyond(answers: readonly Answered[]): Judgement {
  const had = answers.filter(({ allowed }) => allowed === true).map(({ right }) => right);
  if (had.length > 0) {
    const all = had.some(({ verb, resource }) => verb === '*' && resource === '*');
    return warning(
      all ? 'it may do anything' : `it may ${listed(had.map(rightText))}`,
      'take that from its account: deploy/rbac.yaml is all that Hallpass needs',
    );
  }
  const unseen = answers.find(({ allowed }) => allowed instanceof Unseen)?.allowed;
  return unseen instanceof Unseen
    ? unknown(unseen)
    : ok(`it has none of ${answers.length} rights that it should not have`);
}

/** The rights that are asked about in each namespace. */
export const NEEDED = CLUSTER_RIGHTS;
