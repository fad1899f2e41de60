import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PolicySource } from '../../app/ports/policy.source.js';
import type { PolicyFile, PolicySet } from '../../domain/policy/policy.js';
import type { PolicyErrors } from './policy.documents.js';
import { isPolicyErrors, readPolicyDocuments } from './policy.documents.js';

const FILE_BYTES_MAX = 1024 * 1024;
const ALL_BYTES_MAX = 16 * 1024 * 1024;
const FILES_MAX = 10_000;

/** The documents of a folder, as they were when they were loaded. */
export class PolicyFolder extends PolicySource {
  constructor(private readonly set: PolicySet) {
    super();
  }

  /** Loads the folder once; changing it later changes nothing here. */
  static async open(folder: string): Promise<PolicyFolder | PolicyErrors> {
    const set = await loadPolicyFolder(folder);
    return isPolicyErrors(set) ? set : new PolicyFolder(set);
  }

  override current(): PolicySet {
    return this.set;
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Loads all `*.yaml` and `*.yml` of a folder (not of folders below it; names that begin with a dot are skipped): files
 * of 1 MiB, 16 MiB in all, 10,000 documents at most.
 *
 * @returns the set, or every error as `file:line:column: path: sentence`.
 */
export async function loadPolicyFolder(folder: string): Promise<PolicySet | PolicyErrors> {
  const errors: string[] = [];
  const files: PolicyFile[] = [];
  let bytesLeft = ALL_BYTES_MAX;
  const names = await policyFiles(folder);
  if (!Array.isArray(names)) return names;
  for (const { name, path } of names) {
    const text = await textOf(path, bytesLeft);
    if (text instanceof Refused) {
      errors.push(`${name}:1:1: ${text.message}`);
      continue;
    }
    bytesLeft -= Buffer.byteLength(text);
    files.push({ name, text });
  }
  const read = readPolicyDocuments(files, errors.length === 0);
  if (errors.length === 0) return read;
  return { policyErrors: [...errors, ...(isPolicyErrors(read) ? read.policyErrors : [])] };
}

async function policyFiles(
  folder: string,
): Promise<{ name: string; path: string }[] | PolicyErrors> {
  const failed = (why: string): PolicyErrors => ({ policyErrors: [`${folder}: ${why}`] });
  try {
    const base = await baseOf(folder);
    const names = (await readdir(base))
      .filter((name) => !name.startsWith('.') && /\.ya?ml$/.test(name))
      .sort();
    if (names.length > FILES_MAX) return failed(`holds more than ${FILES_MAX} files`);
    return names.map((name) => ({ name: join(folder, name), path: join(base, name) }));
  } catch (error) {
    return failed(`cannot be read (${codeOf(error)})`);
  }
}

/**
 * Where the files are. A mounted ConfigMap is a folder of links through `..data`, which Kubernetes turns to a new
 * folder when the map changes: looking behind it once reads all files of one version.
 */
async function baseOf(folder: string): Promise<string> {
  try {
    return await realpath(join(folder, '..data'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return folder;
    throw error;
  }
}

class Refused {
  constructor(readonly message: string) {}
}

async function textOf(path: string, bytesLeft: number): Promise<string | Refused> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return new Refused('is not a file');
    if (facts.size > FILE_BYTES_MAX) return new Refused(`is larger than ${FILE_BYTES_MAX} bytes`);
    if (facts.size > bytesLeft) return new Refused(`makes more than ${ALL_BYTES_MAX} bytes in all`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const code = codeOf(error);
    return new Refused(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8' : `cannot be read (${code})`,
    );
  }
}

/** The code of an error of the operating system; anything else is a bug and is thrown on. */
function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  throw error;
}
