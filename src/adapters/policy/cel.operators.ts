import { CHARS_A_STEP, STEPS } from './cel.limits.js';
import type { Shape } from './cel.shapes.js';
import { BOOL, DURATION, either, list, text, TIMESTAMP } from './cel.shapes.js';

type Operand = Shape | undefined;

/** What an operator between two values gives; undefined where the types do not go together. */
export function operatorResult(op: string, left: Operand, right: Operand): Operand {
  if (!ARITHMETIC.has(op)) return BOOL;
  if (left?.kind === 'text' && right?.kind === 'text') return text(left.chars + right.chars);
  if (left?.kind === 'list' && right?.kind === 'list') {
    const of =
      left.items === 0 ? right.of : right.items === 0 ? left.of : either(left.of, right.of);
    return of && list(left.items + right.items, of);
  }
  if (left?.kind === 'timestamp') return right?.kind === 'timestamp' ? DURATION : TIMESTAMP;
  return right?.kind === 'timestamp' ? TIMESTAMP : either(left, right);
}

/** What it takes at worst, without its operands. `failure` is what an error takes: numbers can overflow. */
export function operatorSteps(op: string, left: Operand, right: Operand, failure: number): number {
  if (op === 'in') {
    if (right?.kind === 'list') return 1 + (right.items * comparing(left, right.of)) / 4;
    return comparing(left, left);
  }
  if (!ARITHMETIC.has(op)) return comparing(left, right);
  const result = operatorResult(op, left, right);
  switch (result?.kind) {
    case 'text':
      return 1 + result.chars / CHARS_A_STEP;
    case 'list':
      return 1 + result.items;
    case 'int':
      return failure;
    case 'bool':
    case 'double':
    case 'duration':
    case 'timestamp':
    case 'null':
    case 'map':
    case 'object':
    case undefined:
      return 8;
  }
}

const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);

/** Whether two values are equal, or which is greater: as long as the smaller. */
function comparing(left: Operand, right: Operand): number {
  if (left?.kind === 'text' && right?.kind === 'text') {
    return STEPS.node + Math.min(left.chars, right.chars) / CHARS_A_STEP;
  }
  if (left?.kind === 'list' && right?.kind === 'list') {
    return STEPS.node + Math.min(left.items, right.items) * (2 + comparing(left.of, right.of));
  }
  if (left?.kind === 'map' && right?.kind === 'map') {
    return STEPS.node + Math.min(left.items, right.items) * (8 + comparing(left.of, right.of));
  }
  return 2;
}
