import { CHARS_A_STEP } from './cel.limits.js';
import type { Shape } from './cel.shapes.js';
import { BOOL, list, text } from './cel.shapes.js';

/** Macros that go through a list, or through the keys of a map, by their numbers of arguments. */
export const LOOPS: ReadonlyMap<string, readonly number[]> = new Map([
  ['all', [2]],
  ['exists', [2]],
  ['exists_one', [2]],
  ['filter', [2]],
  ['map', [2, 3]],
]);

/** What a loop goes through: the items of a list, the keys of a map. */
export function itemsOf(shape: Shape | undefined): { item: Shape | undefined; items: number } {
  if (shape?.kind === 'list') return { item: shape.of, items: shape.items };
  if (shape?.kind === 'map') {
    return { item: text(shape.keyChars), items: shape.items + shape.keyChars / CHARS_A_STEP };
  }
  return { item: undefined, items: Infinity };
}

/** What a loop gives; `made` is the shape of its last part. */
export function loopResult(
  name: string,
  { item, items }: { item: Shape | undefined; items: number },
  made: Shape | undefined,
): Shape | undefined {
  if (name === 'filter') return item && list(items, item);
  if (name === 'map') return made && list(items, made);
  return BOOL;
}
