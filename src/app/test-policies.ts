import type { Expectation } from '../contract/policy-test.schema.js';
import type { Situation } from '../contract/situation.schema.js';
import type { PolicyDecision } from '../domain/policy/evaluate.js';
import type { RuleTrace } from '../domain/policy/explain.js';
import { explain } from '../domain/policy/explain.js';
import type { PolicySet, Requirement } from '../domain/policy/policy.js';
import { requirementsOf } from '../domain/policy/policy.js';
import { requirementText } from '../domain/policy/words.js';
import { decideSituation, situationFacts } from './situation-facts.js';

/** A request with the decision that it is expected to come to. */
export interface PolicyCase {
  /** The name of the document that it stands in, and its own. */
  readonly test: string;
  readonly name: string;
  /** `tests/payments.yaml:12:7`. */
  readonly where: string;
  readonly situation: Situation;
  readonly expect: Expectation;
}

export interface CaseOutcome {
  readonly case: PolicyCase;
  /** What was expected and is not so, as sentences; none: it passed. */
  readonly failures: readonly string[];
  readonly decision: PolicyDecision;
  /** What the nearest rules said, for cases that failed. */
  readonly rules: readonly RuleTrace[];
}

const RULES_TOLD_MAX = 3;

/** Tries one case. */
export function testCase(set: PolicySet, tried: PolicyCase, now: Date): CaseOutcome {
  const facts = situationFacts(tried.situation, { set, now });
  const decision = decideSituation(set, facts);
  const failures = failuresOf(tried.expect, decision);
  const rules = failures.length === 0 ? [] : explain(set, facts).rules.slice(0, RULES_TOLD_MAX);
  return { case: tried, failures, decision, rules };
}

/** The rules that decided none of these, in their order: nothing shows what they do. */
export function untriedRules(set: PolicySet, outcomes: readonly CaseOutcome[]): string[] {
  const tried = new Set(outcomes.map(({ decision }) => ruleOf(decision)));
  return set.policies.map(({ name }) => name).filter((name) => !tried.has(name));
}

export function ruleOf(decision: PolicyDecision): string | null {
  return decision.verdict === 'refuse' ? decision.rule : decision.grant.rule;
}

function failuresOf(expect: Expectation, decision: PolicyDecision): string[] {
  const failures: string[] = [];
  if (decision.verdict !== expect.verdict) {
    failures.push(`expected ${expect.verdict}, decided ${decision.verdict}`);
  }
  const rule = ruleOf(decision);
  if (expect.rule !== undefined && rule !== expect.rule) {
    failures.push(`expected ${ruleText(expect.rule)} to decide, ${ruleText(rule)} did`);
  }
  const said = decision.explanation.join(' ');
  for (const text of expect.says) {
    if (!said.includes(text)) failures.push(`expected the explanation to say "${text}"`);
  }
  if (expect.needs !== undefined) {
    const grant = decision.verdict === 'refuse' ? null : decision.grant;
    const needs = requirementsOf(grant).filter(({ count }) => count > 0);
    const [wanted, found] = [needsText(expect.needs), needsText(needs)];
    if (wanted !== found) failures.push(`expected to need ${wanted}, needs ${found}`);
  }
  return failures;
}

export function ruleText(rule: string | null): string {
  return rule === null ? 'no rule' : `"${rule}"`;
}

function needsText(needs: readonly Requirement[]): string {
  const texts = needs.map(({ count, groups, users }) =>
    requirementText({ count, groups: groups.toSorted(), users: users.toSorted() }),
  );
  return texts.length === 0 ? 'nobody' : texts.sort().join(' and ');
}
