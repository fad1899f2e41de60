import { isAlias, isMap, isScalar, isSeq, LineCounter } from 'yaml';
import type { ErrorCode, Node, Scalar, YAMLMap } from 'yaml';
import { composed, LaterNode } from './yaml.nodes.js';

/** One-based, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlMistake extends Position {
  readonly message: string;
}

export interface YamlDocument {
  /** Plain data: own properties only, no shared references, no prototypes but Object's and Array's. */
  readonly value: unknown;
  /**
   * Where the value at `path` stands; for what is not there, where its nearest ancestor stands. `into`: so many
   * characters into its text, as near as the way it is written lets one say.
   */
  positionOf(path: readonly PropertyKey[], into?: number): Position;
  /** Where the key that ends `path` stands. */
  positionOfKey(path: readonly PropertyKey[]): Position;
}

export interface YamlReading {
  readonly documents: readonly YamlDocument[];
  readonly mistakes: readonly YamlMistake[];
}

export interface YamlBounds {
  readonly documentsMax: number;
  /** How many were read before, from other texts. */
  readonly documentsBefore?: number;
  /** How many maps and lists may be inside one another. */
  readonly depthMax: number;
  /** How many parts one document may have: texts, signs, spaces and line ends. Without it, any number. */
  readonly partsMax?: number;
}

const MISTAKES_MAX = 100;
/** Names that mean something else than a key to a JavaScript object. */
const PROTOTYPE_NAMES = new Set(['__proto__', 'constructor', 'prototype']);
const PLAIN_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

/**
 * The parser's own messages quote the source, where a secret may stand: these sentences stand in for them.
 * Codes: `ErrorCode` of the package `yaml`.
 */
const SENTENCES: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'an alias cannot carry an anchor or a tag',
  BAD_ALIAS: 'this is no valid alias or anchor',
  BAD_COLLECTION_TYPE: 'the tag does not fit a map or list',
  BAD_DIRECTIVE: 'this is no directive that YAML 1.2 knows',
  BAD_DQ_ESCAPE: 'this is no escape that a double-quoted text may hold',
  BAD_INDENT: 'the indentation does not fit what is above it',
  BAD_PROP_ORDER: 'anchors and tags must stand after the indicators',
  BAD_SCALAR_START: 'a plain text cannot begin with this character: put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a block cannot be a key: indent it on a line of its own',
  BLOCK_IN_FLOW: 'a block cannot stand inside {} or []',
  DUPLICATE_KEY: 'this key is here twice',
  IMPOSSIBLE: 'this cannot be read as YAML',
  KEY_OVER_1024_CHARS: 'a key may have 1024 characters at most',
  MISSING_CHAR: 'a character is missing here: a colon, comma, space, bracket or closing quote',
  MULTILINE_IMPLICIT_KEY: 'a key must be on one line',
  MULTIPLE_ANCHORS: 'one value can have one anchor only',
  MULTIPLE_DOCS: 'one document only is expected here',
  MULTIPLE_TAGS: 'one value can have one tag only',
  NON_STRING_KEY: 'a key must be a text',
  RESOURCE_EXHAUSTION: 'this is larger or nested deeper than is accepted',
  TAB_AS_INDENT: 'tabs cannot indent: use spaces',
  TAG_RESOLVE_FAILED: 'this tag is not accepted, or does not fit its value',
  UNEXPECTED_TOKEN: 'this does not belong here',
};

/**
 * Reads YAML 1.2 (core schema) from somebody whom we need not trust, in time and memory bounded by the text's length:
 * no anchors, no aliases, no merge keys, no tags but those of plain data, no key twice, no prototype names. All
 * mistakes are reported, up to {@link MISTAKES_MAX}; no message quotes a value. Empty documents are left out.
 */
export function readYaml(text: string, bounds: YamlBounds): YamlReading {
  const steps = readYamlInSteps(text, bounds);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/**
 * The same, stopping after each document and in the middle of long ones, for those who have something else to do in
 * between.
 */
export function* readYamlInSteps(
  text: string,
  bounds: YamlBounds,
): Generator<undefined, YamlReading> {
  const mistakes: YamlMistake[] = [];
  const documents: YamlDocument[] = [];
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const report = (offset: number, message: string): void => {
    if (mistakes.length < MISTAKES_MAX) mistakes.push({ ...at(offset), message });
  };

  const before = bounds.documentsBefore ?? 0;
  let count = 0;
  for (const document of composed(text, { lines, partsMax: bounds.partsMax })) {
    yield;
    if (document === 'more') continue;
    if ('tooLarge' in document) {
      report(document.tooLarge, `a document may have ${bounds.partsMax} parts at most`);
      break;
    }
    count += 1;
    if (before + count > bounds.documentsMax) {
      report(document.range[0], `there may be ${bounds.documentsMax} documents at most`);
      break;
    }
    for (const flaw of [...document.errors, ...document.warnings]) {
      report(flaw.pos[0], SENTENCES[flaw.code]);
    }
    if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
      report(document.range[0], 'YAML 1.2 only is accepted');
    }
    if (mistakes.length >= MISTAKES_MAX) break;
    if (document.errors.length > 0 || document.contents === null) continue;
    if (isScalar(document.contents) && document.contents.value === null) continue;
    const value = plainValue({ node: document.contents, depthLeft: bounds.depthMax, report });
    const start = document.contents.range[0];
    const nodes = new LaterNode(text, document.range);
    documents.push(positioned(value, { at, nodes, source: text, start }));
  }
  return { documents, mistakes };
}

interface Reading {
  readonly node: Node | null | undefined;
  readonly depthLeft: number;
  readonly report: (offset: number, message: string) => void;
}

/** The data under `node`; what is not accepted is reported and left out. */
function plainValue({ node, depthLeft, report }: Reading): unknown {
  if (!node) return null;
  const start = node.range?.[0] ?? 0;
  if (isAlias(node)) {
    report(start, 'aliases are not accepted: write the value out');
    return null;
  }
  if (node.anchor !== undefined) report(start, 'anchors are not accepted: write the value out');
  if (node.tag !== undefined && !PLAIN_TAG.test(node.tag)) {
    report(start, SENTENCES.TAG_RESOLVE_FAILED);
  }
  if (isScalar(node)) return node.value;
  if (depthLeft === 0) {
    report(start, SENTENCES.RESOURCE_EXHAUSTION);
    return null;
  }
  const below = (child: unknown): unknown =>
    plainValue({ node: child as Node | null, depthLeft: depthLeft - 1, report });
  if (isSeq(node)) return node.items.map(below);
  return isMap(node) ? plainMap(node, { below, report }) : null;
}

function plainMap(
  map: YAMLMap,
  { below, report }: { below: (child: unknown) => unknown; report: Reading['report'] },
): Record<string, unknown> {
  const members = new Map<string, unknown>();
  for (const { key, value } of map.items) {
    const start = (key as Node).range?.[0] ?? map.range?.[0] ?? 0;
    const name = isScalar(key) ? key.value : undefined;
    if (isScalar(key) && key.anchor !== undefined) {
      report(start, 'anchors are not accepted: write the value out');
    }
    if (typeof name !== 'string') report(start, SENTENCES.NON_STRING_KEY);
    else if (PROTOTYPE_NAMES.has(name)) report(start, 'this name cannot be a key');
    else if (name === '<<') report(start, 'merge keys are not accepted: write the values out');
    else if (members.has(name)) report(start, SENTENCES.DUPLICATE_KEY);
    else members.set(name, below(value));
  }
  return Object.fromEntries(members);
}

interface Place {
  readonly at: (offset: number) => Position;
  readonly nodes: LaterNode;
  readonly source: string;
  /** Where its value begins. */
  readonly start: number;
}

function positioned(value: unknown, { at, nodes, source, start }: Place): YamlDocument {
  const from = ({ range }: Node): number => nodes.start + (range?.[0] ?? 0);
  const find = (path: readonly PropertyKey[]): { node: Node; key?: Node; whole: boolean } => {
    let found: { node: Node; key?: Node; whole: boolean } = {
      node: nodes.node(),
      whole: true,
    };
    for (const step of path) {
      const child = childOf(found.node, step);
      if (!child) return { ...found, whole: false };
      found = { ...child, whole: true };
    }
    return found;
  };
  return {
    value,
    positionOf: (path, into = 0) => {
      if (path.length === 0) return at(start);
      const { node, key, whole } = find(path);
      // What is missing is looked for at its parent's key; a list's items have none.
      const near = whole ? node : (key ?? node);
      const text = source.slice(nodes.start);
      return at(from(near) + (whole && into > 0 ? offsetInto(node, into, text) : 0));
    },
    positionOfKey: (path) => {
      const { node, key } = find(path);
      return at(from(key ?? node));
    },
  };
}

/** How far from the beginning of its node the character at `into` of a text stands. */
function offsetInto(node: Node, into: number, source: string): number {
  if (!isScalar(node)) return 0;
  if (node.type === 'PLAIN') return into;
  if (node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE') return into + 1;
  // Folded lines cannot be counted through.
  return node.type === 'BLOCK_LITERAL' ? blockOffset(node, into, source) : 0;
}

/** In a literal block each line of the text is a line of the source, below the `|` and indented. */
function blockOffset(node: Scalar, into: number, source: string): number {
  const before = String(node.value).slice(0, into).split('\n');
  const [header = '', ...lines] = source.slice(node.range?.[0], node.range?.[1]).split('\n');
  const indent = /^ */.exec(lines.find((line) => line.trim() !== '') ?? '')?.[0].length ?? 0;
  const above = [header, ...lines.slice(0, before.length - 1)];
  return (
    above.reduce((sum, line) => sum + line.length + 1, 0) + indent + (before.at(-1)?.length ?? 0)
  );
}

function childOf(node: Node, step: PropertyKey): { node: Node; key?: Node } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const item = node.items[step] as Node | undefined;
    return item ? { node: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
  if (!pair) return undefined;
  return { node: (pair.value ?? pair.key) as Node, key: pair.key as Node };
}
