import { canonicalJson } from '../domain/audit/canonical.js';
import { displayName } from '../domain/person.js';
import { decideAsAsked } from '../domain/policy/evaluate.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { Grant, PolicySet } from '../domain/policy/policy.js';
import { consentsNeeded, requirementsOf } from '../domain/policy/policy.js';
import type { SessionId, Target } from '../domain/session/session.js';
import type { PastDecision } from './ports/past-decisions.js';
import { PastDecisions } from './ports/past-decisions.js';

/** In what way a decision would change, and what to call so many of them. */
export const CHANGES = {
  'newly-allowed': 'newly allowed',
  'newly-refused': 'newly refused',
  'more-consents': 'with more consents',
  'fewer-consents': 'with fewer consents',
  'other-rule': 'by another rule',
  'other-terms': 'on other terms',
  'needs-cluster': 'refused then without a look at the Pod, which would now be needed',
} as const satisfies Record<string, string>;
export type ChangeKind = keyof typeof CHANGES;

/** One side of a change. */
export interface Side {
  /** `open`: it cannot be told, because the Pod was not looked at then. */
  readonly verdict: PolicyDecision['verdict'] | 'open';
  readonly rule: string | null;
  readonly consents: number;
}

export interface DecisionChange {
  readonly change: ChangeKind;
  readonly session: SessionId;
  readonly at: Date;
  /** Their e-mail, else their name, else their subject. */
  readonly who: string;
  readonly cluster: string;
  readonly namespace: string;
  readonly target: string;
  readonly profile: string;
  readonly from: Side;
  readonly to: Side;
  /** Why it would be decided so now. */
  readonly explanation: readonly string[];
}

export interface DiffSummary {
  readonly replayed: number;
  readonly changed: number;
  readonly byChange: Readonly<Record<ChangeKind, number>>;
  /** Decisions without facts: they were made before facts were kept, and cannot be made again. */
  readonly withoutFacts: number;
}

/** Makes past decisions again by a proposed set, from the facts that they were made from. Changes nothing. */
export class DiffPolicies {
  constructor(private readonly past: PastDecisions) {}

  /** @param changed is told each decision that would change, the newest first, as they are found. */
  async diff(args: {
    readonly set: PolicySet;
    readonly since: Date;
    readonly limit: number;
    readonly changed: (change: DecisionChange) => void | Promise<void>;
  }): Promise<DiffSummary> {
    const { set, since, limit } = args;
    const byChange = { ...NO_CHANGES };
    let replayed = 0;
    let withoutFacts = 0;
    for await (const decision of this.past.newestFirst({ since, limit })) {
      if (decision.facts === null) {
        withoutFacts++;
        continue;
      }
      replayed++;
      const change = changeOf(decision, decideAsAsked(set, decision.facts));
      if (!change) continue;
      byChange[change.change]++;
      await args.changed(change);
    }
    const changed = Object.values(byChange).reduce((sum, count) => sum + count, 0);
    return { replayed, changed, byChange, withoutFacts };
  }
}

const NO_CHANGES: Readonly<Record<ChangeKind, number>> = {
  'newly-allowed': 0,
  'newly-refused': 0,
  'more-consents': 0,
  'fewer-consents': 0,
  'other-rule': 0,
  'other-terms': 0,
  'needs-cluster': 0,
};

const OPEN_TEXT =
  'It was refused without a look at the Pod. By the proposed policies it would depend on the Pod, of which nothing is known.';

function changeOf(
  past: PastDecision,
  decision: PolicyDecision | undefined,
): DecisionChange | undefined {
  const grant = decision === undefined || decision.verdict === 'refuse' ? null : decision.grant;
  const from = sideOf(past.verdict, past.verdict === 'refuse' ? past.rule : null, past.grant);
  const to = sideOf(
    decision?.verdict ?? 'open',
    decision?.verdict === 'refuse' ? decision.rule : null,
    grant,
  );
  const change = kindOf({ from, to }, past.grant, grant);
  if (!change) return undefined;
  const { facts, requester, target } = past;
  return {
    change,
    session: past.sessionId,
    at: past.at,
    who: displayName(requester),
    cluster: facts?.target.cluster ?? '',
    namespace: facts?.target.namespace ?? '',
    target: targetText(target),
    profile: facts?.request.profile ?? '',
    from,
    to,
    explanation: decision?.explanation ?? [OPEN_TEXT],
  };
}

function sideOf(verdict: Side['verdict'], rule: string | null, grant: Grant | null): Side {
  return {
    verdict,
    rule: grant?.rule ?? rule,
    consents: consentsNeeded(requirementsOf(grant)),
  };
}

/** Undefined where nothing changes that anybody would notice: sentences alone are none. */
function kindOf(
  { from, to }: { readonly from: Side; readonly to: Side },
  before: Grant | null,
  after: Grant | null,
): ChangeKind | undefined {
  if (to.verdict === 'open') return 'needs-cluster';
  if (from.verdict === 'refuse' && to.verdict !== 'refuse') return 'newly-allowed';
  if (from.verdict !== 'refuse' && to.verdict === 'refuse') return 'newly-refused';
  if (to.consents !== from.consents) {
    return to.consents > from.consents ? 'more-consents' : 'fewer-consents';
  }
  if (from.rule !== to.rule) return 'other-rule';
  return termsText(before) === termsText(after) ? undefined : 'other-terms';
}

/** All that a grant gives, but for the hash of the documents that say so. */
function termsText(grant: Grant | null): string {
  return grant === null ? '' : canonicalJson({ terms: grant.terms, profile: grant.profile });
}

function targetText(target: Target): string {
  return target.kind === 'pod' ? `Pod ${target.name}` : `${target.workload} ${target.name}`;
}
