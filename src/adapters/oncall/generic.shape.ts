import type { OnCallShape } from '../../domain/policy/on-call-source.js';
import { valueAt } from './json.pointer.js';
import type { GetJson, Shift } from './on-call.shift.js';
import { SHIFTS_MAX, UnusableAnswer } from './on-call.shift.js';

type GenericShape = Extract<OnCallShape, { kind: 'generic' }>;

/**
 * Those whom the list names that `pointer` leads to, on call for as long as it names them. Throws an
 * {@link UnusableAnswer} when there is no list, one that is too long, or one with an item that names nobody: half a
 * list would say of the others that they are not on call.
 */
export async function genericShifts(
  url: string,
  { shape, get }: { shape: GenericShape; get: GetJson },
): Promise<readonly Shift[]> {
  const { pointer, field } = shape;
  const list = valueAt(await get(url), pointer);
  if (!Array.isArray(list)) throw new UnusableAnswer('has no list where the pointer leads');
  if (list.length > SHIFTS_MAX) throw new UnusableAnswer(`names more than ${SHIFTS_MAX} people`);
  return list.map((item: unknown): Shift => {
    const who = field === null ? item : ownValue(item, field);
    if (typeof who === 'string' && who !== '') return { who, startMs: null, endMs: null };
    throw new UnusableAnswer('has an item in its list that names nobody');
  });
}

function ownValue(item: unknown, field: string): unknown {
  if (typeof item !== 'object' || item === null || !Object.hasOwn(item, field)) return undefined;
  return (item as Readonly<Record<string, unknown>>)[field];
}
