import { z } from 'zod';

/**
 * An answer of the broker by the schema of this version: members that a newer broker has besides are passed over.
 *
 * @returns undefined where it is no such answer.
 */
export function knownAnswer<T extends z.ZodType>(
  schema: T,
  answer: unknown,
): z.output<T> | undefined {
  const first = schema.safeParse(answer);
  if (first.success) return first.data;
  const strange = first.error.issues.flatMap(strangeKeys);
  if (strange.length === 0) return undefined;
  const copy: unknown = structuredClone(answer);
  for (const { path, keys } of strange) {
    const holder = path.reduce<unknown>(member, copy);
    if (typeof holder !== 'object' || holder === null) continue;
    for (const key of keys) Reflect.deleteProperty(holder, key);
  }
  const second = schema.safeParse(copy);
  return second.success ? second.data : undefined;
}

interface Strange {
  readonly path: readonly PropertyKey[];
  readonly keys: readonly string[];
}

function strangeKeys(issue: z.core.$ZodIssue): Strange[] {
  if (issue.code === 'unrecognized_keys') return [{ path: issue.path, keys: issue.keys }];
  return [];
}

function member(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Reflect.get(value, key) as unknown;
}
