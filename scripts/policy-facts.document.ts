import { factRows } from '../src/adapters/policy/cel.facts.js';

const INTRODUCTION = `# Facts that policy may look at

<!-- Made by \`npm run docs\` from src/adapters/policy/cel.facts.ts: change it there. -->

What an expression in a policy's \`when\` may name. Expressions are written in CEL; how they are bounded, and why, is in
[ADR 8](adr/0008-expressions-in-cel.md).

- What is not known makes an expression neither true nor false, unless the rest of it decides: \`a || b\` is true where
  either is. An allow whose expression is not known does not match; a deny's does.
- Reading a key that a map has not is such a case: ask \`'team' in target.labels\` or \`has(target.labels.team)\` first.
- A fact that is larger than the table says is not known.`;

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
