import type { PolicyDecision } from '../../domain/policy/evaluate.js';
import type { RuleTrace } from '../../domain/policy/explain.js';
import { requirementsOf } from '../../domain/policy/policy.js';
import { requirementText } from '../../domain/policy/words.js';

const VERDICTS = {
  grant: 'granted at once',
  hold: 'held until others agree',
  refuse: 'refused',
} as const satisfies Record<PolicyDecision['verdict'], string>;

const OUTCOMES = {
  decided: 'decided',
  outdone: 'matches, outdone',
  lacking: 'matches, terms not met',
  'not-for-this': 'not for this',
} as const satisfies Record<RuleTrace['outcome'], string>;

/** A decision for people: what, by which rule, and why. */
export function decisionLines(decision: PolicyDecision): string[] {
  const rule = decision.verdict === 'refuse' ? decision.rule : decision.grant.rule;
  const grant = decision.verdict === 'refuse' ? null : decision.grant;
  const needs = requirementsOf(grant).filter(({ count }) => count > 0);
  return [
    `${VERDICTS[decision.verdict]}${rule === null ? ', by no rule' : `, by the rule "${rule}"`}`,
    ...decision.explanation.map((sentence) => `  ${sentence}`),
    ...needs.map((it) => `  needs: ${requirementText(it)}`),
    ...(grant ? [`  for at most: ${grant.terms.longestSeconds} seconds`] : []),
  ];
}

/** What rules said to a request: what does not hold of each, and what would be needed. */
export function traceLines(rules: readonly RuleTrace[]): string[] {
  return rules.flatMap((trace) => [
    `${trace.rule} (${trace.effect}, ${trace.where}): ${OUTCOMES[trace.outcome]}`,
    ...trace.parts
      .filter(({ truth }) => truth !== 'yes')
      .map(({ part, truth, says }) => `  ${part}: ${truth}: ${says}`),
    ...trace.lacks.map((lack) => `  lacks: ${lack}`),
  ]);
}

export function indented(lines: readonly string[], by = 2): string[] {
  return lines.map((line) => ' '.repeat(by) + line);
}
