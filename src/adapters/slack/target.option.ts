import { createHash } from 'node:crypto';
import { OPTION_VALUE_MAX } from './modal.parts.js';

/** A workload or Pod, as a list of them is made of. */
export type TargetOption = readonly [value: string, label: string];

/** Stands in no name: what is before it was cut, and what is after it tells it from others. */
const CUT = '~';

export interface ChosenTarget {
  readonly kind: string;
  readonly name: string;
  /** Where it is, where that was written in the search. */
  readonly namespace?: string;
  readonly cluster?: string;
  /** Whether `name` is a part of it alone: who it is, is found in a list. */
  readonly isCut: boolean;
}

/** @param elsewhere `[]`, `[namespace]` or `[cluster, namespace]`: where it is, but for what the form says. */
export function targetOption(
  { kind, name }: { readonly kind: string; readonly name: string },
  elsewhere: readonly string[] = [],
): TargetOption {
  const at = elsewhere.length === 0 ? '' : `${elsewhere.join('/')}/`;
  return [targetValue(kind, name, elsewhere), `${at}${name} (${kind})`];
}

/** What an option of that target says when it is chosen: {@link OPTION_VALUE_MAX} characters at most. */
export function targetValue(kind: string, name: string, elsewhere: readonly string[]): string {
  const value = [...elsewhere, kind, name].join('/');
  if (value.length <= OPTION_VALUE_MAX) return value;
  const digest = createHash('sha256').update(value).digest('hex').slice(0, 20);
  return `${value.slice(0, OPTION_VALUE_MAX - digest.length - 1)}${CUT}${digest}`;
}

/** What {@link targetValue} said; undefined where it is nothing of ours. */
export function chosenTarget(value: string): ChosenTarget | undefined {
  const [name = '', kind = '', namespace, cluster, ...more] = value.split('/').toReversed();
  if (name === '' || kind === '' || more.length > 0) return undefined;
  return {
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(cluster === undefined ? {} : { cluster }),
    isCut: name.includes(CUT),
  };
}

/** Whether a chosen one is that target. */
export function isChosen(value: string, { kind, name }: { kind: string; name: string }): boolean {
  const chosen = chosenTarget(value);
  if (!chosen) return false;
  const { cluster, namespace } = chosen;
  const elsewhere = [cluster, namespace].filter((it) => it !== undefined);
  return targetValue(kind, name, elsewhere) === value;
}
