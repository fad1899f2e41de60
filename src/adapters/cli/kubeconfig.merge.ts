import { z } from 'zod';

const Entry = z.looseObject({ name: z.string() });
const Kubeconfig = z.looseObject({
  clusters: z.array(Entry).nullish(),
  users: z.array(Entry).nullish(),
  contexts: z.array(Entry).nullish(),
  'current-context': z.string().nullish(),
});
type Kubeconfig = z.infer<typeof Kubeconfig>;

const LISTS = ['clusters', 'users', 'contexts'] as const;

/**
 * A kubeconfig with what `added` names put in, in place of what had these names before, and its context made the current
 * one. All else stays as it is.
 *
 * @returns the rest of a sentence where `before` is no kubeconfig.
 */
export function mergedKubeconfig(
  before: unknown,
  added: unknown,
): { readonly config: object; readonly context: string } | string {
  const into = Kubeconfig.safeParse(before ?? {});
  if (!into.success) return 'is no kubeconfig: give another with --file.';
  const from = Kubeconfig.safeParse(added);
  const context = from.data?.['current-context'];
  if (!from.success || !context) return 'is left as it is: the broker sent no kubeconfig.';
  const merged = Object.fromEntries(
    LISTS.map((list) => [list, joined(into.data, from.data, list)]),
  );
  return {
    config: {
      apiVersion: 'v1',
      kind: 'Config',
      ...into.data,
      ...merged,
      'current-context': context,
    },
    context,
  };
}

function joined(into: Kubeconfig, from: Kubeconfig, list: (typeof LISTS)[number]) {
  const added = from[list] ?? [];
  const names = new Set(added.map(({ name }) => name));
  return [...(into[list] ?? []).filter(({ name }) => !names.has(name)), ...added];
}
