import { PROBLEMS } from '../src/domain/problem.js';

const INTRODUCTION = `# Problems

<!-- Made by \`npm run docs\` from src/domain/problem.ts: change it there. -->

Every refusal of the API is an RFC 9457 document (\`application/problem+json\`) whose \`type\` is one of these. The type is
stable: programs may go by it. \`detail\` is for people and may be worded anew; where single fields are not acceptable,
\`errors\` names each of them.`;

/** `docs/problems.md`: the catalogue of refusals. */
export function problemsDocument(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) => `| \`urn:hallpass:problem:${code}\` | ${status} | ${title} |`,
  );
  return [
    INTRODUCTION,
    ['| type | status | title |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}
