import type { Person } from '../../src/domain/person.js';
import type { Condition, Truth } from '../../src/domain/policy/condition.js';
import type { Facts, FoundTarget, RequestFacts } from '../../src/domain/policy/facts.js';
import { NO_HISTORY } from '../../src/domain/policy/facts.js';
import type {
  AccessPolicy,
  Approvals,
  DebugProfile,
  Match,
  PolicySet,
  Requirement,
  Terms,
} from '../../src/domain/policy/policy.js';
import { TERMS_OF_OLD } from '../../src/domain/policy/policy.js';
import { policySet } from '../../src/domain/policy/policy-set.js';
import { PROFILE, ROBIN } from './sessions.js';

/** Rules, sets and facts for tests, complete and plain; override what the test is about. */
export const NO_APPROVALS: Approvals = { require: [], commentRequired: false, escalation: null };

export const TERMS: Terms = {
  longestSeconds: 3_600,
  approvals: NO_APPROVALS,
  reason: { required: false, pattern: null },
  ticket: { required: false, pattern: null },
  ...TERMS_OF_OLD,
  recording: 'strict',
  ways: ['console', 'cli', 'kubectl'],
  fileCopies: 'both',
  portForward: false,
  concurrent: { perPerson: null, perPod: null },
  extension: null,
  idleSeconds: null,
  onOverrun: 'alert',
  onAccessRemoved: 'end',
  breakGlass: null,
};

export const MATCH: Match = {
  groups: ['oncall'],
  users: [],
  clusters: ['*'],
  namespaces: ['*'],
  namespaceSelector: [],
  workloads: [],
  profiles: ['*'],
  times: [],
};

/** `count` of these groups. */
export function requirement(count: number, ...groups: string[]): Requirement {
  return { count, groups, users: [] };
}

export function approvals(...require: Requirement[]): Approvals {
  return { ...NO_APPROVALS, require };
}

export type PolicyOver = Partial<Omit<AccessPolicy, 'match' | 'terms'>> & {
  readonly match?: Partial<Match>;
  readonly terms?: Partial<Terms>;
};

export function policyOf(name: string, over: PolicyOver = {}): AccessPolicy {
  return {
    description: '',
    effect: 'allow',
    when: null,
    patterns: { reason: null, ticket: null },
    where: `${name}.yaml:1:1`,
    name,
    ...over,
    match: { ...MATCH, ...over.match },
    terms: { ...TERMS, ...over.terms },
  };
}

export function setOf(
  policies: readonly AccessPolicy[],
  profiles: readonly DebugProfile[] = [PROFILE],
): PolicySet {
  const files = [{ name: 'set.yaml', text: JSON.stringify({ policies, profiles }) }];
  return policySet({ files, policies, profiles, onCallSources: [] });
}

export const FOUND: FoundTarget = {
  namespaceLabels: {},
  namespaceAnnotations: {},
  pod: 'web',
  labels: {},
  annotations: {},
  owner: { kind: 'Pod', name: 'web' },
  phase: 'Running',
  ready: true,
  restarts: 0,
  containers: [],
  node: 'node-1',
};

export interface FactsOver extends Partial<Omit<Facts, 'target' | 'request' | 'requester'>> {
  readonly person?: Pick<Person, 'iss' | 'sub' | 'groups'>;
  readonly requester?: Partial<Facts['requester']>;
  readonly cluster?: string;
  readonly namespace?: string;
  readonly found?: Partial<FoundTarget> | null;
  readonly request?: Partial<RequestFacts>;
}

/** Robin asks for ten minutes on the Pod `web` of `staging`, which was found. */
export function factsOf(over: FactsOver = {}): Facts {
  const { person = ROBIN, cluster = 'sandbox', namespace = 'staging', found = {}, ...rest } = over;
  return {
    history: NO_HISTORY,
    onCall: {},
    now: new Date('2026-03-04T10:00:00Z'),
    ...rest,
    requester: {
      issuer: person.iss,
      subject: person.sub,
      email: '',
      groups: person.groups,
      claims: {},
      acr: '',
      amr: [],
      authAgeSeconds: null,
      ...over.requester,
    },
    target: { cluster, namespace, found: found && { ...FOUND, ...found } },
    request: {
      profile: 'shell',
      container: '',
      durationSeconds: 600,
      reason: 'orders fail',
      ticket: '',
      channel: 'api',
      breakGlass: false,
      ...over.request,
    },
  };
}

/** A condition that is always told so, and is reckoned to take so many steps. */
export function taking(steps: number, truth: Truth = 'yes'): Condition {
  return {
    source: 'x',
    steps,
    uses: new Set(),
    onCallSources: new Set(),
    test: () => ({ truth }),
  };
}
