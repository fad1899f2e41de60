import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigMistake } from './config.problem.js';
import type { Environment, Setting } from './environment.js';
import { CONFIG_FILE_VARIABLE, readEnvironment } from './environment.js';
import type { WatchedFile } from './watched.file.js';
import type { YamlDocument } from './yaml.reader.js';
import { readYaml } from './yaml.reader.js';

const FILE_BYTES_MAX = 1024 * 1024;
const DEPTH_MAX = 32;

/** Keys of which one stands for the other: naming one in the environment sets aside the other in the file. */
const ALTERNATIVES: readonly (readonly [string, string])[] = [
  ['database.url', 'database.urlFile'],
  ['database.ownerUrl', 'database.ownerUrlFile'],
];

/** File and environment together, not yet checked against the schema. */
export interface ConfigSources {
  readonly tree: Readonly<Record<string, unknown>>;
  /** What is wrong with the sources themselves. */
  readonly mistakes: readonly ConfigMistake[];
  /** The files that were read besides; whoever reads one adds it. */
  readonly files: WatchedFile[];
  /** The folder that relative paths start from: the file's, or the working folder where there is no file. */
  readonly folder: string;
  /** Where the value at `path` was written: `file:line:column`, a variable, or empty. */
  whereOf(path: readonly PropertyKey[], what: 'value' | 'key'): string;
}

/** Reads the file that `HALLPASS_CONFIG` names, if it names one, and lays the variables over it. */
export function readSources(env: Environment): ConfigSources {
  const file = env[CONFIG_FILE_VARIABLE];
  const fromFile = file === undefined ? undefined : readConfigFile(file);
  const fromEnv = readEnvironment(env);
  const tree = withoutNulls(fromFile?.document?.value ?? {}) as Record<string, unknown>;
  for (const setting of fromEnv.settings) lay(tree, setting);
  setAside(tree, fromEnv.settings);
  return {
    tree,
    mistakes: [
      ...(fromFile?.mistakes ?? []),
      ...fromEnv.mistakes.map(({ variable, path, message }) => ({
        path,
        where: variable,
        message,
      })),
    ],
    files: [],
    folder: file === undefined ? process.cwd() : dirname(resolve(file)),
    whereOf: (path, what) => {
      const setting = fromEnv.settings.findLast((it) => isPrefix(it.path, path));
      if (setting) return setting.variable;
      const document = fromFile?.document;
      if (!document) return '';
      const at = what === 'key' ? document.positionOfKey(path) : document.positionOf(path);
      return `${file}:${at.line}:${at.column}`;
    },
  };
}

interface ConfigFile {
  readonly document?: YamlDocument;
  readonly mistakes: readonly ConfigMistake[];
}

function readConfigFile(file: string): ConfigFile {
  const flawed = (message: string): ConfigFile => ({
    mistakes: [{ path: '', where: file, message }],
  });
  const text = readBounded(file, FILE_BYTES_MAX);
  if (text instanceof Unreadable) return flawed(text.message);
  const { documents, mistakes } = readYaml(text, { documentsMax: 1, depthMax: DEPTH_MAX });
  if (mistakes.length > 0) {
    return {
      mistakes: mistakes.map(({ line, column, message }) => ({
        path: '',
        where: `${file}:${line}:${column}`,
        message,
      })),
    };
  }
  const document = documents[0];
  if (!document) return { mistakes: [] };
  const { value } = document;
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMap ? { document, mistakes: [] } : flawed('must be a map of sections');
}

export class Unreadable {
  constructor(readonly message: string) {}
}

/** The text of a file of `bytesMax` bytes at most, or why it cannot be had. */
export function readBounded(file: string, bytesMax: number): string | Unreadable {
  try {
    const facts = statSync(file);
    if (!facts.isFile()) return new Unreadable('is not a file');
    if (facts.size > bytesMax) return new Unreadable(`is larger than ${bytesMax} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    return new Unreadable(unreadable(error));
  }
}

const TO_DO: Readonly<Record<string, string>> = {
  ENOENT: 'put it there, or correct the path',
  ENOTDIR: 'correct the path',
  EACCES: 'let the account that Hallpass runs as read it',
  'not UTF-8': 'it must be text',
};

/** Why a file cannot be read, and what to do. */
export function unreadable(error: unknown): string {
  const code = errorCode(error);
  const toDo = TO_DO[code];
  return `cannot be read (${code})${toDo === undefined ? '' : `: ${toDo}`}`;
}

/** The code of an error of the operating system; anything else is a bug and is thrown on. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'not UTF-8' : error.code;
  }
  throw error;
}

/** A key without a value (`tls:` and nothing below) is a key that was not given. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([name, child]) => [name, withoutNulls(child)]),
  );
}

function lay(tree: Record<string, unknown>, { path, value }: Setting): void {
  let place = tree;
  for (const step of path.slice(0, -1)) place = childMap(place, step);
  place[path.at(-1) ?? ''] = value;
}

/** The map under `name`; what else stands there gives way to the variable. */
function childMap(place: Record<string, unknown>, name: string): Record<string, unknown> {
  const child = place[name];
  if (typeof child === 'object' && child !== null && !Array.isArray(child)) {
    return child as Record<string, unknown>;
  }
  const made: Record<string, unknown> = {};
  place[name] = made;
  return made;
}

function setAside(tree: Record<string, unknown>, settings: readonly Setting[]): void {
  const named = new Set(settings.map(({ path }) => path.join('.')));
  for (const pair of ALTERNATIVES) {
    const chosen = pair.filter((path) => named.has(path));
    const other = pair.find((path) => !named.has(path));
    if (chosen.length !== 1 || other === undefined) continue;
    const [section = '', key = ''] = other.split('.');
    Reflect.deleteProperty(childMap(tree, section), key);
  }
}

function isPrefix(prefix: readonly PropertyKey[], path: readonly PropertyKey[]): boolean {
  return prefix.length <= path.length && prefix.every((step, index) => path[index] === step);
}
