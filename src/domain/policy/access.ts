import type { Truth } from './condition.js';
import type { Facts } from './facts.js';
import type { AccessPolicy, PolicySet } from './policy.js';
import { Inquiry } from './inquiry.js';
import type { Candidate, PartName } from './rule.match.js';
import { sift, sifted, truthOf } from './rule.match.js';
import type { Session } from '../session/session.js';

/** What is said of a session whose requester would not be let in any more. */
export interface AccessRemoved {
  /** `groups`: the requester is not in the groups any more; `policy`: the documents are others. */
  readonly by: 'groups' | 'policy';
  /** The deny that keeps them out; null where nothing lets them in. */
  readonly rule: string | null;
}

/**
 * Whether no rule of the set would let a session's requester in any more, on what was known when the session was
 * decided. What has merely passed with time is not held against them, nor what cannot be told: times of day, the past,
 * how long ago they signed in, terms, and sources that do not answer. So:
 *
 * - an allow lets them in unless one of its parts says no; its time windows are not asked;
 * - a deny keeps them out only where all its parts say yes and it has no time windows;
 * - a condition that looks at `now` or `history` can be told neither way;
 * - a session whose facts were not kept (one from before they were) is kept.
 *
 * @param groups of the requester, as their newest token says.
 * @returns undefined where they would be let in, or the session is to be kept by its terms.
 */
export function accessRemoved(args: {
  readonly session: Session;
  readonly set: PolicySet;
  readonly groups: readonly string[];
  readonly facts: Facts | null;
}): AccessRemoved | undefined {
  const { session, set, groups, facts: then } = args;
  if (session.grant?.terms.onAccessRemoved !== 'end' || then === null) return undefined;
  const now = { ...then, requester: { ...then.requester, groups } };
  const kept = keptOut(set, now);
  if (kept === undefined) return undefined;
  const before = keptOut(set, then);
  return { by: before === undefined ? 'groups' : 'policy', rule: kept };
}

/** The rule that keeps somebody out, or null where none lets them in; undefined where one does. */
function keptOut(set: PolicySet, facts: Facts): string | null | undefined {
  const inquiry = new Inquiry(facts);
  const candidates = set.index.candidates(facts.requester, facts.target.namespace);
  const { deny, allow } = sifted(candidates, (policy) => sift(policy, inquiry, isPassing));
  const denial = deny.find((it) => lasting(it, inquiry) === 'yes');
  if (denial) return denial.policy.name;
  return allow.some((it) => lasting(it, inquiry) !== 'no') ? undefined : null;
}

/** Whether a rule is for them, whatever passes with time. */
function lasting(candidate: Candidate, inquiry: Inquiry): Truth {
  return isPassing(candidate.policy, 'when') ? 'unknown' : truthOf(candidate, inquiry);
}

/** Whether a part speaks of what passes with time. */
function isPassing({ match, when }: AccessPolicy, part: PartName): boolean {
  if (part === 'time') return match.times.length > 0;
  return part === 'when' && when !== null && (when.uses.has('now') || when.uses.has('history'));
}
