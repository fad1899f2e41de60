import { readFileSync } from 'node:fs';
import { parseAllDocuments, stringify } from 'yaml';

/** Whoever it is in the files, and whom the tests let be it. */
export interface LockdownValues {
  /** Hallpass's own account, as the API server names it. */
  readonly account?: string;
  readonly exceptGroups?: readonly string[];
  /** In which Hallpass impersonates people. */
  readonly sessionGroups?: readonly string[];
  /** Members of the ConfigMap in the place of the usual ones. */
  readonly limits?: Readonly<Record<string, string>>;
}

export const POLICY_FILES = ['adding', 'entering', 'break-glass', 'contents'] as const;

const ACCOUNT = "['system:serviceaccount:hallpass:hallpass']";

/** The files of deploy/lockdown in a mode, with values replaced as docs/lockdown.md says. */
export function lockdownTexts(
  mode: 'audit' | 'enforce',
  { account, exceptGroups = [], sessionGroups = [], limits = {} }: LockdownValues = {},
): string[] {
  const list = (names: readonly string[]) => `[${names.map((name) => `'${name}'`).join(', ')}]`;
  const replaced = [...POLICY_FILES, mode].map((file) => {
    const text = readLockdown(file);
    const byUs = account === undefined ? text : text.replaceAll(ACCOUNT, list([account]));
    const groups = { exceptGroups, sessionGroups };
    return Object.entries(groups).reduce((so, [name, them]) => {
      const place = new RegExp(`- name: ${name}((?: #.*)?\\n +expression: )'\\[\\]'`, 'g');
      return so.replaceAll(place, `- name: ${name}$1${JSON.stringify(list(them))}`);
    }, byUs);
  });
  const [map] = parseAllDocuments(readLockdown('limits'));
  const limit = map?.toJS() as { data: object };
  return [...replaced, stringify({ ...limit, data: { ...limit.data, ...limits } })];
}

export function readLockdown(file: string): string {
  return readFileSync(new URL(`../../deploy/lockdown/${file}.yaml`, import.meta.url), 'utf8');
}
