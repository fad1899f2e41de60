import type { NewSession } from '../../contract/session.schema.js';
import type { WorkloadKind } from '../../domain/session/session.js';
import { WORKLOAD_KINDS } from '../../domain/session/session.js';

/** What `deployment/checkout`, `pod/checkout-7d9f` or `checkout-7d9f` names. */
export type Named =
  | { readonly kind: 'pod'; readonly name: string }
  | { readonly kind: 'workload'; readonly workload: WorkloadKind; readonly name: string }
  /** A name alone: a workload of that name where there is one, or a Pod. */
  | { readonly kind: 'any'; readonly name: string };

/** How kinds are written, as kubectl takes them. */
const WORDS: ReadonlyMap<string, WorkloadKind | 'Pod'> = new Map([
  ...(['pod', 'pods', 'po'] as const).map((word) => [word, 'Pod'] as const),
  ...WORKLOAD_KINDS.flatMap((kind) => {
    const word = kind.toLowerCase();
    return [word, `${word}s`].map((it) => [it, kind] as const);
  }),
  ['deploy', 'Deployment'],
  ['sts', 'StatefulSet'],
  ['ds', 'DaemonSet'],
]);

/** @returns a sentence where it names nothing that can be debugged. */
export function namedTarget(text: string): Named | string {
  const [first = '', name, ...rest] = text.split('/');
  if (name === undefined) return { kind: 'any', name: first };
  const kind = WORDS.get(first.toLowerCase());
  if (kind === undefined || name === '' || rest.length > 0) {
    return `${text} names no target: write NAME, pod/NAME, deployment/NAME, statefulset/NAME, daemonset/NAME or job/NAME.`;
  }
  return kind === 'Pod' ? { kind: 'pod', name } : { kind: 'workload', workload: kind, name };
}

export function targetOf(named: Exclude<Named, { kind: 'any' }>): NewSession['target'] {
  if (named.kind === 'pod') return { pod: named.name };
  return { workload: { kind: named.workload, name: named.name } };
}

/** A target as it is written on the command line. */
export function targetWord({
  kind,
  name,
}: {
  readonly kind: string;
  readonly name: string;
}): string {
  return `${kind.toLowerCase()}/${name}`;
}
