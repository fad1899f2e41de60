import type { z } from 'zod';

/** One thing that Zod finds wrong, in our words. `key` is set where the mistake is a key and not its value. */
export interface IssueSentence {
  readonly path: readonly PropertyKey[];
  readonly key?: string;
  readonly message: string;
}

/**
 * Zod's issues as sentences, one for each unknown key. Zod's own messages tell what is expected and never quote what
 * was given.
 */
export function issueSentences(
  issues: readonly z.core.$ZodIssue[],
  unknownKey: (key: string, path: readonly PropertyKey[]) => string,
): IssueSentence[] {
  return issues.flatMap((issue): IssueSentence[] => {
    const { path } = issue;
    // The name in a map of names: what is wrong with it is told inside.
    const told = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue;
    if (issue.code !== 'unrecognized_keys') return [{ path, message: sentence(told.message) }];
    return issue.keys.map((key) => ({
      path: [...path, key],
      key,
      message: unknownKey(key, path),
    }));
  });
}

function sentence(message: string): string {
  const missing = /^Invalid input: expected (\w+), received undefined$/.exec(message);
  if (missing) return 'is missing';
  return message.replace(/^Invalid (input|option|string): /, '');
}

/** `['clusters', 0, 'name']` gives `clusters[0].name`. Keys that could be more than a name are not told. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${keyText(String(step))}`))
    .join('')
    .replace(/^\./, '');
}

/** A key as it may be shown: somebody may have written a secret in a key's place. */
export function keyText(key: string): string {
  return /^[\w.-]{1,64}$/.test(key) ? key : `(a key of ${key.length} characters)`;
}
