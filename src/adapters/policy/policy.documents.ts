import { z } from 'zod';
import { issueSentences, keyText, pathText } from '../../config/issue.sentences.js';
import type { YamlDocument } from '../../config/yaml.reader.js';
import { readYaml } from '../../config/yaml.reader.js';
import type { PolicyDocument } from '../../contract/policy.schema.js';
import { policyDocumentSchema } from '../../contract/policy.schema.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import { policySet } from '../../domain/policy/policy-set.js';
import { accessPolicyOf, debugProfileOf } from './policy.mapping.js';

export const DOCUMENTS_MAX = 10_000;
const DEPTH_MAX = 32;
const ERRORS_MAX = 1000;

const profileName = z.object({
  kind: z.literal('DebugProfile'),
  metadata: z.object({ name: z.string() }),
});

/** A file as it was read; `name` is what errors call it. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** Why there is no set: every error of every file, as `file:line:column: path: sentence`. */
export interface PolicyErrors {
  readonly policyErrors: readonly string[];
}

export function isPolicyErrors(value: object): value is PolicyErrors {
  return 'policyErrors' in value;
}

/** A document that is well formed, and where it came from. */
interface Found {
  readonly document: PolicyDocument;
  readonly whereIs: (path: readonly PropertyKey[]) => string;
}

/** What has been read so far. */
interface Reading {
  readonly errors: string[];
  readonly found: Found[];
  /** Profiles whose documents have errors: they are there, so that naming them is no error. */
  readonly flawedProfiles: Set<string>;
}

/**
 * Reads the documents of all files, each by itself and then across them, and puts them together as a set. Neither the
 * order of files nor that of documents matters.
 *
 * @param isComplete whether these are all files; where some could not be read, a profile that is named and not found
 *   may be in one of them.
 * @returns the set, or all errors (the first {@link ERRORS_MAX}).
 */
export function readPolicyDocuments(
  files: readonly PolicyFile[],
  isComplete = true,
): PolicySet | PolicyErrors {
  const reading: Reading = { errors: [], found: [], flawedProfiles: new Set() };
  const { errors, found } = reading;
  let documentsLeft = DOCUMENTS_MAX;
  let isWhole = isComplete;
  for (const file of files) {
    const yaml = readYaml(file.text, { documentsMax: documentsLeft, depthMax: DEPTH_MAX });
    documentsLeft -= yaml.documents.length;
    isWhole &&= yaml.mistakes.length === 0;
    errors.push(
      ...yaml.mistakes.map((it) => `${file.name}:${it.line}:${it.column}: ${it.message}`),
    );
    for (const document of yaml.documents) read(document, file, reading);
    if (errors.length >= ERRORS_MAX) break;
  }
  errors.push(...takenNames(found));
  if (isWhole) errors.push(...missingProfiles(reading));
  if (errors.length > 0) return { policyErrors: errors.slice(0, ERRORS_MAX) };

  const documents = found.map(({ document }) => document);
  return policySet(
    documents.filter((it) => it.kind === 'AccessPolicy').map(accessPolicyOf),
    documents.filter((it) => it.kind === 'DebugProfile').map(debugProfileOf),
  );
}

function read(document: YamlDocument, file: PolicyFile, reading: Reading): void {
  const where = ({ line, column }: { line: number; column: number }): string =>
    `${file.name}:${line}:${column}`;
  const parsed = policyDocumentSchema.safeParse(document.value);
  if (parsed.success) {
    const whereIs = (path: readonly PropertyKey[]): string => where(document.positionOf(path));
    reading.found.push({ document: parsed.data, whereIs });
    return;
  }
  const profile = profileName.safeParse(document.value);
  if (profile.success) reading.flawedProfiles.add(profile.data.metadata.name);
  for (const { path, key, message } of issueSentences(parsed.error.issues, () => 'is not known')) {
    const at = key === undefined ? document.positionOf(path) : document.positionOfKey(path);
    reading.errors.push(
      [where(at), pathText(path), message].filter((part) => part !== '').join(': '),
    );
  }
}

/** Names that are given twice, told at the second place. */
function takenNames(found: readonly Found[]): string[] {
  const first = new Map<string, string>();
  return found.flatMap(({ document, whereIs }) => {
    const name = `${document.kind} ${document.metadata.name}`;
    const where = whereIs(['metadata', 'name']);
    const before = first.get(name);
    if (before === undefined) first.set(name, where);
    return before === undefined ? [] : [`${where}: metadata.name: is taken by ${before}`];
  });
}

/** Profiles that are named in full and not defined. */
function missingProfiles({ found, flawedProfiles }: Reading): string[] {
  const names = new Set(flawedProfiles);
  for (const { document } of found) {
    if (document.kind === 'DebugProfile') names.add(document.metadata.name);
  }
  return found.flatMap(({ document, whereIs }) => {
    if (document.kind !== 'AccessPolicy') return [];
    return [...document.spec.match.profiles.entries()]
      .filter(([, profile]) => !profile.includes('*') && !names.has(profile))
      .map(([index, profile]) => {
        const path = ['spec', 'match', 'profiles', index];
        return `${whereIs(path)}: ${pathText(path)}: there is no profile ${keyText(profile)}`;
      });
  });
}
