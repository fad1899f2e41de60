import { factRows } from '../src/adapters/policy/cel.facts.js';
import { LIMITS } from '../src/adapters/policy/cel.limits.js';
import { STEPS_A_DECISION } from '../src/domain/policy/inquiry.js';

const count = (number: number): string => number.toLocaleString('en-US');

const INTRODUCTION = `# Facts that policy may look at

<!-- Made by \`npm run docs\` from src/adapters/policy/cel.facts.ts: change it there. -->

What an expression in a policy's \`when\` may name. Expressions are written in CEL; how they are bounded, and why, is in
[ADR 8](adr/0008-expressions-in-cel.md).

- What is not known makes an expression neither true nor false, unless the rest of it decides: \`a || b\` is true where
  either is. An allow whose expression is not known does not match; a deny's does.
- Reading a key that a map has not is such a case: ask \`'team' in target.labels\` or \`has(target.labels.team)\` first.
- A fact that is larger than the table says is not known.
- What an expression takes is reckoned in steps of 20 ns for facts as large as the table says: ${count(LIMITS.steps)} at most,
  or it is refused when it is loaded. All that are tested for one decision have ${count(STEPS_A_DECISION)} together, those of
  denies first, then those of allows, each by the names of their rules; what patterns take is counted with them. From the
  first on that does not fit they are not known, so they grant nothing. Only rules that match the request otherwise are
  tested. Reading a key of a map takes 400 steps and one for each character of the expression, because it may not be there;
  a loop that goes through the groups takes 500 times what is in it. Instead of a loop in a loop, ask whether a value is
  among many: \`requester.groups.exists(g, (g + '-leads') in requester.groups)\`. That is dear all the same: three such
  conditions are all that one decision has steps for. A group that is named is cheaper by far: put it into \`match\`, or ask
  \`'payments-leads' in requester.groups\`. The broker warns when it loads rules whose conditions may be too dear together.`;

/** `docs/policy-facts.md`: every fact that expressions may name. */
export function policyFactsDocument(): string {
  const rows = factRows().map(
    ({ path, type, atMost, description }) =>
      `| \`${path}\` | ${type.replaceAll('<', '\\<')} | ${atMost} | ${description} |`,
  );
  return [
    INTRODUCTION,
    ['| fact | type | at most | what |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}
