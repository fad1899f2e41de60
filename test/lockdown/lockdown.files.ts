import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** Whoever it is in the files, and whom the tests let be it. */
export interface LockdownValues {
  /** Hallpass's own account, as the API server names it. */
  readonly account?: string;
  readonly exceptGroups?: readonly string[];
  /** In which Hallpass impersonates people. */
  readonly sessionGroups?: readonly string[];
  /** Expressions of variables at the head of contents.yaml in the place of the usual ones. */
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
  return [...POLICY_FILES, mode].map((file) => {
    const text = file === 'contents' ? limitedTo(limits, readLockdown(file)) : readLockdown(file);
    const byUs = account === undefined ? text : text.replaceAll(ACCOUNT, list([account]));
    const groups = { exceptGroups, sessionGroups };
    return Object.entries(groups).reduce((so, [name, them]) => {
      const place = new RegExp(`- name: ${name}((?: #.*)?\\n +expression: )'\\[\\]'`, 'g');
      return so.replaceAll(place, `- name: ${name}$1${JSON.stringify(list(them))}`);
    }, byUs);
  });
}

/** The words that are allowed as the file has it. */
export const ALLOWED_WORDS = ['root', 'privilegeEscalation', 'writableRoot', 'defaultCapabilities'];

const Policy = z.looseObject({
  spec: z.looseObject({ variables: z.array(z.looseObject({ name: z.string() })) }),
});

function limitedTo(limits: Readonly<Record<string, string>>, text: string): string {
  const document = parseDocument(text);
  const { variables } = Policy.parse(document.toJS()).spec;
  for (const [name, expression] of Object.entries(limits)) {
    const index = variables.findIndex((it) => it.name === name);
    if (index < 0) throw new Error(`there is no variable ${name}`);
    document.setIn(['spec', 'variables', index, 'expression'], expression);
  }
  return String(document);
}

/** A list of texts as CEL has it. */
export function celList(...texts: readonly string[]): string {
  return JSON.stringify(texts);
}

export function readLockdown(file: string): string {
  return readFileSync(new URL(`../../deploy/lockdown/${file}.yaml`, import.meta.url), 'utf8');
}
