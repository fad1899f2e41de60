import type { Condition, TextPattern } from './condition.js';
import { matchesAny } from './glob.js';
import type { OwnerKind } from './facts.js';
import type { OnCallSource } from './on-call-source.js';
import type { RuleIndex } from './rule.index.js';
import type { SignInRule } from './sign-in.rule.js';

/** What the policy documents say, once parsed. Shapes of the YAML are in `contract/policy.schema.ts`. */

/** People, by their groups or by themselves: `subject`, or `issuer|subject` where one subject is in several issuers. */
export interface People {
  readonly groups: readonly string[];
  readonly users: readonly string[];
}

/** `count` distinct people out of `people` must agree. With a count of 0 nobody need agree, but they may revoke. */
export interface Requirement extends People {
  readonly count: number;
}

/** All requirements must be met, each person counting towards one of them. None: nobody need agree. */
export interface Approvals {
  readonly require: readonly Requirement[];
  /** Whether a consent must say why. */
  readonly commentRequired: boolean;
  /** From so long after asking on, these people's consents count as well, for any requirement. */
  readonly escalation: (People & { readonly afterSeconds: number }) | null;
  /** How strongly whoever consents must have signed in; left out: as others must. */
  readonly signIn?: SignInRule;
}

/** What to do with a container that will not end: raise an alert, or evict its Pod. */
export const ON_OVERRUN = ['alert', 'evict'] as const;
export type OnOverrun = (typeof ON_OVERRUN)[number];

/** What becomes of a session whose requester no rule would let in any more. */
export const ON_ACCESS_REMOVED = ['end', 'keep'] as const;
export type OnAccessRemoved = (typeof ON_ACCESS_REMOVED)[number];

/** `strict`: what cannot be recorded is not shown, the session ends. `best-effort`: the gap is marked. */
export const RECORDINGS = ['strict', 'best-effort'] as const;
export type Recording = (typeof RECORDINGS)[number];

/** `required`: nothing is typed or shown but while somebody entitled is watching. */
export const WATCHERS = ['none', 'required'] as const;
export type Watcher = (typeof WATCHERS)[number];

/** A program in the image that keeps a shell alive while nobody is connected to it. */
export const MULTIPLEXERS = ['none', 'tmux', 'screen'] as const;
export type Multiplexer = (typeof MULTIPLEXERS)[number];

export const WAYS = ['console', 'cli', 'kubectl'] as const;
export type Way = (typeof WAYS)[number];

export const FILE_COPIES = ['none', 'download', 'upload', 'both'] as const;
export type FileCopies = (typeof FILE_COPIES)[number];

/** Whose overdue reviews keep from the next break-glass: one's own, or those of a whole team. */
export type ReviewDebt = { readonly of: 'person' } | { readonly of: 'team'; readonly team: string };

/** On what terms somebody may be let in at once, without consents, at the price of a review. */
export interface BreakGlass {
  /** How strongly they must have signed in. No entry, no demand. */
  readonly signIn: SignInRule;
  /** By whom and within what time it must be reviewed. */
  readonly review: People & { readonly withinSeconds: number };
  readonly debt: ReviewDebt;
}

/** What a consent that is given in Slack is worth: as much as any, or it leads to the page where people sign in. */
export const SLACK_CONSENTS = ['counts', 'page'] as const;
export type SlackConsent = (typeof SLACK_CONSENTS)[number];

export interface SlackTerms {
  /** Where those who may consent are told of a request, by id (`C0123456789`). */
  readonly channels: readonly string[];
  readonly consent: SlackConsent;
  /** For which profiles (patterns) a consent in Slack counts; for others it leads to the page. */
  readonly profiles: readonly string[];
}

/** The terms on which an allow rule lets somebody in. */
export interface Terms {
  readonly longestSeconds: number;
  readonly approvals: Approvals;
  readonly reason: TextRule;
  readonly ticket: TextRule;
  readonly recording: Recording;
  /** How long recordings are kept, from their end. */
  readonly keepRecordingSeconds: number;
  readonly watcher: Watcher;
  /** How many streams of one session may be open at once: terminals, commands, copies, forwarded ports. */
  readonly streams: number;
  readonly ways: readonly Way[];
  readonly fileCopies: FileCopies;
  readonly portForward: boolean;
  /** How many sessions may be open at once; null: no limit. */
  readonly concurrent: { readonly perPerson: number | null; readonly perPod: number | null };
  /** How often, and for how long at most each time; null: never. */
  readonly extension: { readonly times: number; readonly longestSeconds: number } | null;
  /** How long nothing may be typed before the session ends; null: for ever. */
  readonly idleSeconds: number | null;
  readonly onOverrun: OnOverrun;
  readonly onAccessRemoved: OnAccessRemoved;
  readonly slack: SlackTerms;
  /** Null: not offered. */
  readonly breakGlass: BreakGlass | null;
}

/** What is asked of a text: that it is there, and that all of it matches a pattern (RE2) where it is. */
export interface TextRule {
  readonly required: boolean;
  readonly pattern: string | null;
}

export const SELECTOR_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** A Kubernetes LabelSelector (apimachinery `meta/v1`), its `matchLabels` written as `In`. All must hold. */
export type Selector = readonly {
  readonly key: string;
  readonly operator: (typeof SELECTOR_OPERATORS)[number];
  readonly values: readonly string[];
}[];

export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** From a minute of the day (inclusive) to another (exclusive). Where `to` is not later, it passes midnight. */
export interface TimeWindow {
  /** An IANA name. */
  readonly timeZone: string;
  /** The days on which it begins. */
  readonly days: readonly Weekday[];
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface WorkloadMatch {
  readonly kinds: readonly OwnerKind[];
  /** Patterns for the owner's name; for the Pod's own where it has no owner. */
  readonly names: readonly string[];
  /** On the labels of the Pod. */
  readonly podSelector: Selector;
}

/** Whom and what a rule is for. All parts must match; within a list any. */
export interface Match extends People {
  readonly clusters: readonly string[];
  readonly namespaces: readonly string[];
  /** On the labels of the namespace; empty: any. */
  readonly namespaceSelector: Selector;
  /** Empty: any. */
  readonly workloads: readonly WorkloadMatch[];
  readonly profiles: readonly string[];
  /** Empty: always. */
  readonly times: readonly TimeWindow[];
}

export interface AccessPolicy {
  readonly name: string;
  readonly description: string;
  readonly effect: 'allow' | 'deny';
  readonly match: Match;
  readonly when: Condition | null;
  readonly terms: Terms;
  /** The patterns of the terms, compiled. */
  readonly patterns: { readonly reason: TextPattern | null; readonly ticket: TextPattern | null };
  /** Where it stands: `access.yaml:12:1`. */
  readonly where: string;
}

/** The parts of a container's security context that a profile may set (Kubernetes `SecurityContext`, as JSON). */
export type SecurityContext = Readonly<Record<string, unknown>>;

export interface DebugProfile {
  readonly name: string;
  readonly description: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly securityContext: SecurityContext | null;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** The shell of the timer and of the terminal, as an absolute path. */
  readonly shell: string;
  readonly multiplexer: Multiplexer;
  /** Whether what is typed is recorded too; only what is shown is, otherwise. */
  readonly recordInput: boolean;
}

/** Terms that grants of before these were thought of do not have, as they were kept then. */
export const TERMS_OF_OLD = {
  keepRecordingSeconds: 365 * 86_400,
  watcher: 'none',
  streams: 5,
  slack: { channels: [], consent: 'page', profiles: ['*'] },
} as const satisfies Partial<Terms>;

/** The same for profiles. */
export const PROFILE_OF_OLD = {
  multiplexer: 'none',
  recordInput: false,
} as const satisfies Partial<DebugProfile>;

/** A file of documents, as it was read. */
export interface PolicyFile {
  /** What errors call it, relative to its folder. */
  readonly name: string;
  readonly text: string;
}

/** All documents in force together, with the SHA-256 (hex) of the files that they were made from. */
export interface PolicySet {
  readonly hash: string;
  readonly files: readonly PolicyFile[];
  readonly policies: readonly AccessPolicy[];
  /** In the order of their names. */
  readonly profiles: readonly DebugProfile[];
  readonly onCallSources: readonly OnCallSource[];
  readonly index: Pick<RuleIndex, 'candidates' | 'concerning' | 'dearest'>;
}

/** What policy gave a session, frozen on it: changing the documents later changes nothing here. */
export interface Grant {
  readonly policyHash: string;
  readonly rule: string;
  readonly terms: Terms;
  readonly profile: DebugProfile;
  /** Let in at once, on the break-glass terms: nobody need agree, somebody must review. */
  readonly breakGlass: boolean;
}

/** The consents that a grant needs: none where the glass was broken. */
export function requirementsOf(grant: Grant | null): readonly Requirement[] {
  return grant === null || grant.breakGlass ? [] : grant.terms.approvals.require;
}

/** How many consents that makes in all. */
export function consentsNeeded(require: readonly Requirement[]): number {
  return require.reduce((sum, { count }) => sum + count, 0);
}

/** Whether a consent that is given in Slack, where nobody signs in, counts; otherwise people sign in to give it. */
export function countsInSlack({ terms, profile }: Pick<Grant, 'terms' | 'profile'>): boolean {
  const { consent, profiles } = terms.slack;
  const asksForSignIn = terms.approvals.signIn !== undefined;
  return consent === 'counts' && !asksForSignIn && matchesAny(profiles, profile.name);
}
