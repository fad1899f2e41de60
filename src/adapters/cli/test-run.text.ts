import type { CaseOutcome } from '../../app/test-policies.js';
import { ruleOf } from '../../app/test-policies.js';
import { decisionLines, indented, traceLines } from './decision.text.js';

/** One case as a test runner tells it: a line, and for one that failed what was decided, why, and what was near. */
export function outcomeLines({ case: tried, failures, decision, rules }: CaseOutcome): string[] {
  if (failures.length === 0) return [`  ok    ${tried.name}`];
  return [
    `  FAIL  ${tried.name} (${tried.where})`,
    ...indented(failures, 10),
    ...indented(['decided:', ...indented(decisionLines(decision))], 10),
    ...indented(['the nearest rules:', ...indented(traceLines(rules))], 10),
  ];
}

/** The last line of a run, by which programs may go. */
export function closingText(passed: number, failed: number): string {
  return `${passed} passed, ${failed} failed`;
}

/** The same for programs. */
export function outcomeJson({ case: tried, failures, decision, rules }: CaseOutcome) {
  return {
    test: tried.test,
    name: tried.name,
    where: tried.where,
    passed: failures.length === 0,
    failures,
    decided: {
      verdict: decision.verdict,
      rule: ruleOf(decision),
      explanation: decision.explanation,
    },
    rules,
  };
}
