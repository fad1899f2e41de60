import { isObject } from './json.value.js';

/** Go's `%v` of decoded JSON: `map[a:1 b:[x y]]`, keys sorted. Error texts of the server carry it. */
export function goValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`;
  if (isObject(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((name) => `${name}:${goValue(value[name])}`);
    return `map[${entries.join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** JSON, or the message of Go's encoding/json for what is wrong with it. */
export function parseJson(text: string): { value: unknown } | { error: string } {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch (error) {
    const at = /position (\d+)/.exec(String(error))?.[1];
    const position = at === undefined ? text.length : Number(at);
    if (position >= text.trimEnd().length) return { error: 'unexpected end of JSON input' };
    return {
      error: `invalid character ${quoteRune(text.charAt(position))} looking for beginning of value`,
    };
  }
}

function quoteRune(character: string): string {
  return character === "'" ? String.raw`'\''` : `'${character}'`;
}

/**
 * A unified diff of two texts with three lines of context, as apimachinery's `diff.Diff` prints it: hunk headers and
 * lines, no file header.
 */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split('\n');
  const b = after.split('\n');
  const steps = lineSteps(a, b);
  const context = 3;
  const near = steps.map((_, i) =>
    steps.slice(Math.max(0, i - context), i + context + 1).some((s) => s.sign !== ' '),
  );
  let text = '';
  for (let i = 0; i < steps.length; i++) {
    if (near[i] !== true) continue;
    let end = i;
    while (end < steps.length && near[end] === true) end++;
    const hunk = steps.slice(i, end);
    const inA = hunk.filter((s) => s.sign !== '+').length;
    const inB = hunk.filter((s) => s.sign !== '-').length;
    const first = hunk[0];
    text += `@@ -${(first?.a ?? 0) + 1},${inA} +${(first?.b ?? 0) + 1},${inB} @@\n`;
    text += hunk.map((s) => `${s.sign}${s.line}\n`).join('');
    i = end;
  }
  return text;
}

interface Step {
  sign: ' ' | '-' | '+';
  line: string;
  a: number;
  b: number;
}

function lineSteps(a: readonly string[], b: readonly string[]): Step[] {
  const common: number[][] = Array.from({ length: a.length + 1 }, () =>
    new Array<number>(b.length + 1).fill(0),
  );
  const cell = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    const row = common[i];
    if (row === undefined) continue;
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push({ sign: ' ', line: a[i] ?? '', a: i++, b: j++ });
    } else if (i < a.length && (j >= b.length || cell(i + 1, j) >= cell(i, j + 1))) {
      steps.push({ sign: '-', line: a[i] ?? '', a: i++, b: j });
    } else {
      steps.push({ sign: '+', line: b[j] ?? '', a: i, b: j++ });
    }
  }
  return steps;
}
