import type { TermsDocument } from '../../contract/policy-terms.schema.js';
import type { LabelSelectorDocument, MatchDocument } from '../../contract/policy-match.schema.js';
import type { AccessPolicyDocument, DebugProfileDocument } from '../../contract/policy.schema.js';
import type { Condition, TextPattern } from '../../domain/policy/condition.js';
import { SECURITY_CONTEXTS } from '../../domain/policy/debug-profiles.js';
import type {
  AccessPolicy,
  Approvals,
  BreakGlass,
  DebugProfile,
  Match,
  Selector,
  Terms,
  TextRule,
} from '../../domain/policy/policy.js';
import { TERMS_OF_OLD } from '../../domain/policy/policy.js';
import type { SignInRule } from '../../domain/policy/sign-in.rule.js';
import type { NamedPeople } from './named.people.js';

/** What of a policy is compiled, and where it stands. */
export interface Compiled {
  readonly when: Condition | null;
  readonly patterns: { readonly reason: TextPattern | null; readonly ticket: TextPattern | null };
  readonly where: string;
}

/** A deny has no terms; these stand in their place and admit nothing. */
const NO_TERMS: Terms = {
  longestSeconds: 0,
  approvals: { require: [], commentRequired: false, escalation: null },
  reason: { required: false, pattern: null },
  ticket: { required: false, pattern: null },
  ...TERMS_OF_OLD,
  recording: 'strict',
  ways: [],
  fileCopies: 'none',
  portForward: false,
  concurrent: { perPerson: null, perPod: null },
  extension: null,
  idleSeconds: null,
  onOverrun: 'alert',
  onAccessRemoved: 'end',
  breakGlass: null,
};

/** What the document means, all defaults written out and approver sets put in. */
export function accessPolicyOf(
  { metadata, spec }: AccessPolicyDocument,
  people: NamedPeople,
  compiled: Compiled,
): AccessPolicy {
  return {
    name: metadata.name,
    description: spec.description,
    effect: spec.effect,
    match: matchOf(spec.match),
    terms: spec.terms === undefined ? NO_TERMS : termsOf(spec.terms, people),
    ...compiled,
  };
}

function matchOf(match: MatchDocument): Match {
  return {
    groups: match.groups ?? [],
    users: match.users ?? [],
    clusters: match.clusters,
    namespaces: match.namespaces ?? ['*'],
    namespaceSelector: selectorOf(match.namespaceSelector),
    workloads: (match.workloads ?? []).map(({ kinds, names, podSelector }) => ({
      kinds,
      names,
      podSelector: selectorOf(podSelector),
    })),
    profiles: match.profiles,
    times: (match.times ?? []).map(({ timeZone, days, from, to }) => ({
      timeZone,
      days,
      fromMinute: from,
      toMinute: to,
    })),
  };
}

function selectorOf(selector: LabelSelectorDocument | undefined): Selector {
  if (selector === undefined) return [];
  const labels = Object.entries(selector.matchLabels).map(([key, value]) => ({
    key,
    operator: 'In' as const,
    values: [value],
  }));
  return [...labels, ...selector.matchExpressions];
}

function termsOf(terms: TermsDocument, people: NamedPeople): Terms {
  const {
    longest,
    longestSeconds,
    recording,
    keepRecording,
    watcher,
    streams,
    ways,
    fileCopies,
    portForward,
  } = terms;
  const { extension, idle, onOverrun, onAccessRemoved } = terms;
  return {
    // The schema lets one of the two through.
    longestSeconds: longest ?? longestSeconds ?? 0,
    approvals: approvalsOf(terms.approvals, people),
    reason: textRuleOf(terms.reason),
    ticket: textRuleOf(terms.ticket),
    recording,
    keepRecordingSeconds: keepRecording,
    watcher,
    streams,
    ways,
    fileCopies,
    portForward,
    concurrent: {
      perPerson: terms.concurrent.perPerson ?? null,
      perPod: terms.concurrent.perPod ?? null,
    },
    extension: extension ? { times: extension.times, longestSeconds: extension.longest } : null,
    idleSeconds: idle ?? null,
    onOverrun,
    onAccessRemoved,
    slack: terms.slack,
    breakGlass: terms.breakGlass ? breakGlassOf(terms.breakGlass, people) : null,
  };
}

function approvalsOf(approvals: TermsDocument['approvals'], people: NamedPeople): Approvals {
  const { require, commentRequired, escalation, signIn } = approvals;
  return {
    require: require.map((it) => ({ count: it.count, ...people.of(it) })),
    commentRequired,
    escalation: escalation ? { afterSeconds: escalation.after, ...people.of(escalation) } : null,
    ...(signIn === undefined ? {} : { signIn: signInOf(signIn) }),
  };
}

function signInOf({
  acr,
  amr,
  maxAge,
}: NonNullable<TermsDocument['approvals']['signIn']>): SignInRule {
  return { acr, amr, maxAgeSeconds: maxAge ?? null };
}

function breakGlassOf(
  offer: NonNullable<TermsDocument['breakGlass']>,
  people: NamedPeople,
): BreakGlass {
  const { signIn, review, team } = offer;
  return {
    signIn: signInOf(signIn),
    review: { withinSeconds: review.within, ...people.of(review) },
    debt: team === undefined ? { of: 'person' } : { of: 'team', team },
  };
}

function textRuleOf({ required, pattern }: TermsDocument['reason']): TextRule {
  return { required, pattern: pattern ?? null };
}

/** What the document means: `kubectl`'s profiles become the security contexts they stand for. */
export function debugProfileOf({ metadata, spec }: DebugProfileDocument): DebugProfile {
  const { description, image, imagePullPolicy, env, shell, multiplexer, recordInput } = spec;
  return {
    name: metadata.name,
    description,
    image,
    imagePullPolicy,
    securityContext:
      spec.debugProfile === undefined
        ? (spec.securityContext ?? null)
        : SECURITY_CONTEXTS[spec.debugProfile],
    env,
    shell,
    multiplexer,
    recordInput,
  };
}
