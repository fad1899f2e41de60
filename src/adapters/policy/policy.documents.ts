import { z } from 'zod';
import { issueSentences, keyText, pathText } from '../../config/issue.sentences.js';
import type { YamlDocument } from '../../config/yaml.reader.js';
import { readYamlInSteps } from '../../config/yaml.reader.js';
import { knownNames } from '../../contract/field.errors.js';
import type { AccessPolicyDocument, PolicyDocument } from '../../contract/policy.schema.js';
import { policyDocumentSchema, schemaOfKind } from '../../contract/policy.schema.js';
import { NearestNames } from '../../domain/nearest.name.js';
import type { TextPattern } from '../../domain/policy/condition.js';
import type { AccessPolicy, PolicyFile, PolicySet } from '../../domain/policy/policy.js';
import { policySet } from '../../domain/policy/policy-set.js';
import { compileCondition } from './cel.condition.js';
import { onCallSourceOf } from './on-call-source.mapping.js';
import { NamedPeople } from './named.people.js';
import type { Compiled } from './policy.mapping.js';
import { accessPolicyOf, debugProfileOf } from './policy.mapping.js';
import { textPattern } from './text.pattern.js';
import { unmeetable } from './unmeetable.requirements.js';

export const DOCUMENTS_MAX = 10_000;
const DEPTH_MAX = 32;
const ERRORS_MAX = 1000;
/** Of one document. Rules that people write have some hundreds; putting more together would hold up the broker. */
const PARTS_MAX = 10_000;

/** What a document with errors still says: that it is there. */
const named = z.object({ kind: z.string(), metadata: z.object({ name: z.string() }) });

/** Why there is no set: every error of every file, as `file:line:column: path: sentence`. */
export interface PolicyErrors {
  readonly policyErrors: readonly string[];
}

export function isPolicyErrors(value: object): value is PolicyErrors {
  return 'policyErrors' in value;
}

/** One that is too long is told as that. */
const textOf = (max: number) => z.string().max(max).optional().catch(undefined);
const Pattern = z
  .object({ pattern: textOf(500) })
  .optional()
  .catch(undefined);
/** What can be read of a policy whatever else is wrong with it. */
const Legible = z.object({
  kind: z.literal('AccessPolicy'),
  spec: z.object({
    when: textOf(4000),
    terms: z.object({ reason: Pattern, ticket: Pattern }).optional().catch(undefined),
  }),
});

function sourcesIn({ spec: { when, terms } }: z.infer<typeof Legible>): Sources {
  return { when, reason: terms?.reason?.pattern, ticket: terms?.ticket?.pattern };
}

/** A document that is well formed, and where it came from. */
interface Found {
  readonly document: PolicyDocument;
  readonly whereIs: (path: readonly PropertyKey[], into?: number) => string;
}

/** What has been read so far. */
interface Reading {
  readonly errors: string[];
  readonly found: Found[];
  /** Policies with errors: what of them can be compiled all the same, for the errors in it. */
  readonly flawed: { readonly sources: Sources; readonly whereIs: Found['whereIs'] }[];
  /** The names of all documents by kind, those with errors too: they are there, so that naming them is no error. */
  readonly names: Map<string, Set<string>>;
  /** What is told to have been meant. */
  readonly nearest: NearestNames;
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
  const steps = readDocumentsInSteps(files, isComplete);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** The same, stopping after each document, for those who have something else to do in between. */
export function* readDocumentsInSteps(
  files: readonly PolicyFile[],
  isComplete: boolean,
): Generator<undefined, PolicySet | PolicyErrors> {
  const reading: Reading = {
    errors: [],
    found: [],
    flawed: [],
    names: new Map(),
    nearest: new NearestNames(),
  };
  const { errors, found } = reading;
  let documentsBefore = 0;
  let isWhole = isComplete;
  for (const file of files) {
    const yaml = yield* readYamlInSteps(file.text, {
      documentsMax: DOCUMENTS_MAX,
      documentsBefore,
      depthMax: DEPTH_MAX,
      partsMax: PARTS_MAX,
    });
    documentsBefore += yaml.documents.length;
    isWhole &&= yaml.mistakes.length === 0;
    errors.push(
      ...yaml.mistakes.map((it) => `${file.name}:${it.line}:${it.column}: ${it.message}`),
    );
    for (const document of yaml.documents) {
      yield;
      read(document, file, reading);
    }
    if (errors.length >= ERRORS_MAX) return { policyErrors: errors.slice(0, ERRORS_MAX) };
  }
  errors.push(...takenNames(found));
  if (isWhole) errors.push(...(yield* missingNames(reading)));
  const documents = found.map(({ document }) => document);
  const people = new NamedPeople(
    new Map(
      documents
        .filter((it) => it.kind === 'ApproverSet')
        .map(({ metadata, spec }) => [metadata.name, spec]),
    ),
  );
  for (const { document, whereIs } of found) {
    if (document.kind !== 'AccessPolicy' || errors.length >= ERRORS_MAX) continue;
    yield;
    for (const { path, message } of unmeetable(document.spec.terms, people)) {
      errors.push(`${whereIs(path)}: ${pathText(path)}: ${message}`);
    }
  }
  const compiled = yield* compileAll(reading);
  if (errors.length > 0) return { policyErrors: errors.slice(0, ERRORS_MAX) };

  const policies: AccessPolicy[] = [];
  for (const { document, ...parts } of compiled) {
    yield;
    policies.push(accessPolicyOf(document, people, parts));
  }
  return policySet({
    files,
    policies,
    profiles: documents.filter((it) => it.kind === 'DebugProfile').map(debugProfileOf),
    onCallSources: documents.filter((it) => it.kind === 'OnCallSource').map(onCallSourceOf),
  });
}

function read(document: YamlDocument, file: PolicyFile, reading: Reading): void {
  const where = ({ line, column }: { line: number; column: number }): string =>
    `${file.name}:${line}:${column}`;
  const name = named.safeParse(document.value);
  if (name.success) nameIn(reading.names, name.data.kind, name.data.metadata.name);
  const whereIs: Found['whereIs'] = (path, into = 0) => where(document.positionOf(path, into));
  const parsed = policyDocumentSchema.safeParse(document.value);
  if (parsed.success) {
    reading.found.push({ document: parsed.data, whereIs });
    return;
  }
  const legible = Legible.safeParse(document.value);
  if (legible.success) reading.flawed.push({ sources: sourcesIn(legible.data), whereIs });
  const schema = name.success ? schemaOfKind(name.data.kind) : undefined;
  const unknownKey = (key: string, path: readonly PropertyKey[]): string =>
    `is not known${meant(reading.nearest.of(key, schema ? knownNames(schema, path) : []))}`;
  for (const { path, key, message } of issueSentences(parsed.error.issues, unknownKey)) {
    if (reading.errors.length >= ERRORS_MAX) return;
    const at = key === undefined ? document.positionOf(path) : document.positionOfKey(path);
    reading.errors.push(
      [where(at), pathText(path), message].filter((part) => part !== '').join(': '),
    );
  }
}

function nameIn(names: Map<string, Set<string>>, kind: string, name: string): void {
  const ofKind = names.get(kind);
  if (ofKind) ofKind.add(name);
  else names.set(kind, new Set([name]));
}

function meant(near: string | undefined): string {
  return near === undefined ? '' : `: did you mean ${keyText(near)}?`;
}

/** Names that are given twice, told at the second place. */
function takenNames(found: readonly Found[]): string[] {
  const first = new Map<string, Found>();
  const at = ['metadata', 'name'];
  return found.flatMap((it) => {
    const name = `${it.document.kind} ${it.document.metadata.name}`;
    const before = first.get(name);
    if (before === undefined) first.set(name, it);
    return before === undefined
      ? []
      : [`${it.whereIs(at)}: metadata.name: is taken by ${before.whereIs(at)}`];
  });
}

/** Where access policies name other documents in full. */
function referencesOf(
  spec: AccessPolicyDocument['spec'],
): { kind: 'DebugProfile' | 'ApproverSet'; names: readonly string[]; path: PropertyKey[] }[] {
  const { approvals, breakGlass } = spec.terms ?? {};
  const people = [
    ...(approvals?.require ?? []).map((it, index) => ({
      names: it.approvers,
      path: ['spec', 'terms', 'approvals', 'require', index, 'approvers'],
    })),
    {
      names: approvals?.escalation?.approvers ?? [],
      path: ['spec', 'terms', 'approvals', 'escalation', 'approvers'],
    },
    {
      names: breakGlass?.review.approvers ?? [],
      path: ['spec', 'terms', 'breakGlass', 'review', 'approvers'],
    },
  ];
  return [
    { kind: 'DebugProfile', names: spec.match.profiles, path: ['spec', 'match', 'profiles'] },
    ...people.map((it) => ({ kind: 'ApproverSet' as const, ...it })),
  ];
}

const WORDS = { DebugProfile: 'profile', ApproverSet: 'approver set' } as const;

/** Documents that are named in full and are not there, with the nearest that is. */
function* missingNames({ found, names, nearest }: Reading): Generator<undefined, string[]> {
  const lists = new Map([...names].map(([kind, ofKind]) => [kind, [...ofKind]]));
  const missing: string[] = [];
  for (const { document, whereIs } of found) {
    if (document.kind !== 'AccessPolicy') continue;
    for (const { kind, names: wanted, path } of referencesOf(document.spec)) {
      for (const [index, name] of wanted.entries()) {
        if (name.includes('*') || names.get(kind)?.has(name)) continue;
        if (missing.length >= ERRORS_MAX) return missing;
        yield;
        const at = [...path, index];
        const hint = meant(nearest.of(name, lists.get(kind) ?? []));
        missing.push(
          `${whereIs(at)}: ${pathText(at)}: there is no ${WORDS[kind]} ${keyText(name)}${hint}`,
        );
      }
    }
  }
  return missing;
}

/** What of a policy is compiled, as it stands there. */
interface Sources {
  readonly when: string | undefined;
  readonly reason: string | undefined;
  readonly ticket: string | undefined;
}

/** Compiles the expressions and patterns of all policies; what is wrong with them is added to the errors. */
function* compileAll(
  reading: Reading,
): Generator<undefined, (Compiled & { document: AccessPolicyDocument })[]> {
  const all: (Compiled & { document: AccessPolicyDocument })[] = [];
  for (const { document, whereIs } of reading.found) {
    if (document.kind !== 'AccessPolicy' || reading.errors.length >= ERRORS_MAX) continue;
    yield;
    const { when, terms } = document.spec;
    const sources = { when, reason: terms?.reason.pattern, ticket: terms?.ticket.pattern };
    all.push({ document, ...compile(sources, whereIs, reading), where: whereIs([]) });
  }
  // Those that have other errors too: all are told in one pass.
  for (const { sources, whereIs } of reading.flawed) {
    if (reading.errors.length >= ERRORS_MAX) break;
    yield;
    compile(sources, whereIs, reading);
  }
  return all;
}

function compile(
  { when, reason, ticket }: Sources,
  whereIs: Found['whereIs'],
  { names, errors }: Reading,
): Pick<Compiled, 'when' | 'patterns'> {
  const fail = (path: readonly PropertyKey[], message: string, into = 0): null => {
    errors.push(`${whereIs(path, into)}: ${pathText(path)}: ${message}`);
    return null;
  };
  const pattern = (name: 'reason' | 'ticket', source: string | undefined): TextPattern | null => {
    if (source === undefined) return null;
    const made = textPattern(source);
    return 'error' in made ? fail(['spec', 'terms', name, 'pattern'], made.error) : made;
  };
  const onCallSources = names.get('OnCallSource') ?? new Set<string>();
  const made = when === undefined ? null : compileCondition(when, { onCallSources });
  if (made !== null && 'errors' in made) {
    for (const { offset, message } of made.errors) fail(['spec', 'when'], message, offset);
  }
  return {
    when: made === null || 'errors' in made ? null : made,
    patterns: { reason: pattern('reason', reason), ticket: pattern('ticket', ticket) },
  };
}
