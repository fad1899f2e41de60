import { readFileSync } from 'node:fs';
import { CHOOSE, TIMER } from '../src/domain/timebox/timer.script.js';

export const CONTENTS = 'deploy/lockdown/contents.yaml';

/** From the comment that says what is made to the one that says that it ends. */
const MADE = /(made by `npm run docs`\.\n)[^]*?( {4}# The end of what is made\.)/;

/** `deploy/lockdown/contents.yaml`, with the very texts of the timer. */
export function lockdownContents(): string {
  const timer = literal('choosers', CHOOSE) + literal('holders', TIMER);
  return readFileSync(CONTENTS, 'utf8').replace(
    MADE,
    (_, head: string, end: string) => `${head}${timer}${end}`,
  );
}

/** A variable of a policy: the list of one text, which is kept as it is, backslashes and all. */
function literal(name: string, text: string): string {
  if (text.includes("'''")) throw new Error(`${name} would end too early`);
  const lines = `[r'''${text}''']`.split('\n');
  const indented = lines.map((line) => (line === '' ? '\n' : `        ${line}\n`));
  return `    - name: ${name}\n      expression: |-\n${indented.join('')}`;
}
