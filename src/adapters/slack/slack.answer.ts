/** What is at `path` of an answer, or undefined where there is nothing. */
export function fieldOf(answer: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null
        ? Object.getOwnPropertyDescriptor(at, name)?.value
        : undefined,
    answer,
  );
}

export function textOf(answer: unknown, ...path: readonly string[]): string | undefined {
  const value = fieldOf(answer, ...path);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isTrue(answer: unknown, ...path: readonly string[]): boolean {
  return fieldOf(answer, ...path) === true;
}

export function listOf(
  answer: unknown,
  ...path: readonly string[]
): readonly unknown[] | undefined {
  const value = fieldOf(answer, ...path);
  return Array.isArray(value) ? value : undefined;
}
