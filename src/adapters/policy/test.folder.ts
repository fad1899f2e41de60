import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyCase } from '../../app/test-policies.js';
import { readYaml } from '../../config/yaml.reader.js';
import type { PolicyFile } from '../../domain/policy/policy.js';
import { readPolicyTests } from './policy-test.documents.js';
import { codeOf, NoText, textOf } from './text.file.js';

const FILES_MAX = 1000;
const DEPTH_MAX = 32;

/** Where tests stand by default, below a folder of policies: the broker does not look there. */
export const TESTS_FOLDER = 'tests';

interface Unreadable {
  readonly unreadable: readonly string[];
}

/**
 * The cases of all `*.yaml` and `*.yml` of some folders; by default of the folder `tests` in each of the folders of
 * policies that has one.
 *
 * @returns sentences where there is none, or where any cannot be read.
 */
export async function loadPolicyTests(args: {
  readonly folders: readonly string[];
  readonly policies: readonly string[];
}): Promise<{ readonly cases: readonly PolicyCase[] } | Unreadable> {
  const folders =
    args.folders.length > 0
      ? args.folders
      : await present(args.policies.map((folder) => join(folder, TESTS_FOLDER)));
  if (folders.length === 0) {
    return refused(
      `There is no folder ${TESTS_FOLDER} in ${args.policies.join(', ')}: say where the tests are with --tests.`,
    );
  }
  const files: PolicyFile[] = [];
  for (const folder of folders) {
    const read = await filesOf(folder);
    if ('unreadable' in read) return read;
    files.push(...read.files);
  }
  const read = readPolicyTests(files);
  if ('testErrors' in read) return { unreadable: read.testErrors };
  return read.cases.length > 0 ? read : refused(`There are no tests in ${folders.join(', ')}.`);
}

/** The one document of a YAML file, unchecked. */
export async function readYamlFile(
  path: string,
): Promise<{ readonly value: unknown } | Unreadable> {
  const read = await textOf(path);
  if (read instanceof NoText) return refused(`${path}: ${read.why}`);
  const { documents, mistakes } = readYaml(read, { documentsMax: 1, depthMax: DEPTH_MAX });
  if (mistakes.length > 0) {
    return {
      unreadable: mistakes.map((it) => `${path}:${it.line}:${it.column}: ${it.message}`),
    };
  }
  return { value: documents[0]?.value };
}

/** Which of these folders cannot be looked into, as sentences. */
export async function unreadableFolders(folders: readonly string[]): Promise<string[]> {
  const looked = await Promise.all(
    folders.map((folder) =>
      stat(folder).then(
        (it) => (it.isDirectory() ? [] : [`${folder}: is not a folder`]),
        (error: unknown) => [`${folder}: cannot be read (${codeOf(error)})`],
      ),
    ),
  );
  return looked.flat();
}

async function filesOf(
  folder: string,
): Promise<{ readonly files: readonly PolicyFile[] } | Unreadable> {
  const names = await readdir(folder).catch(codeOf);
  if (typeof names === 'string') return refused(`${folder}: cannot be read (${names})`);
  const wanted = names.filter((name) => !name.startsWith('.') && /\.ya?ml$/.test(name)).sort();
  if (wanted.length > FILES_MAX) return refused(`${folder}: holds more than ${FILES_MAX} files`);
  const files: PolicyFile[] = [];
  for (const name of wanted) {
    const path = join(folder, name);
    const text = await textOf(path);
    if (text instanceof NoText) return refused(`${path}: ${text.why}`);
    files.push({ name: path, text });
  }
  return { files };
}

async function present(folders: readonly string[]): Promise<string[]> {
  const unreadable = await Promise.all(folders.map((folder) => unreadableFolders([folder])));
  return folders.filter((_, index) => unreadable[index]?.length === 0);
}

function refused(sentence: string): Unreadable {
  return { unreadable: [sentence] };
}
