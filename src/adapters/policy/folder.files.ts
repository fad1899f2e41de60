import { createHash } from 'node:crypto';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyFile } from '../../domain/policy/policy.js';
import { codeOf, NoText, textOf } from './text.file.js';

const ALL_BYTES_MAX = 16 * 1024 * 1024;
const FILES_MAX = 10_000;
/** As many files are looked at together. */
const TOGETHER = 32;

/** Where a document file is, and what it is called in errors and in the set. */
interface Place {
  readonly name: string;
  readonly path: string;
}

/** What folders hold at a moment, without the texts. */
export interface Listing {
  /** Another one wherever a file was added, removed, replaced or written to. */
  readonly mark: string;
  readonly places: readonly Place[];
  readonly errors: readonly string[];
}

/**
 * Lists all `*.yaml` and `*.yml` of the folders (not of folders below them; names that begin with a dot are skipped).
 *
 * @param prefixes what stands before the names of each folder's files.
 */
export async function listFolders(
  folders: readonly string[],
  prefixes: readonly string[],
): Promise<Listing> {
  const listings = await Promise.all(
    folders.map((folder, index) => listFolder(folder, prefixes[index] ?? '')),
  );
  const places = listings.flatMap((it) => it.places);
  const errors = listings.flatMap((it) => it.errors);
  if (places.length > FILES_MAX) errors.push(`there are more than ${FILES_MAX} files`);
  const mark = createHash('sha256').update(JSON.stringify(listings.map((it) => it.mark)));
  return {
    mark: mark.digest('hex'),
    places: places.length > FILES_MAX ? [] : places,
    errors,
  };
}

async function listFolder(folder: string, prefix: string) {
  try {
    const { base, isMount } = await baseOf(folder);
    const names = (await readdir(base))
      .filter((name) => !name.startsWith('.') && /\.ya?ml$/.test(name))
      .sort();
    const places = names.map((name) => ({ name: `${prefix}${name}`, path: join(base, name) }));
    // What is behind the link of a mount is never written to again: another version is another folder.
    const marks = isMount || places.length > FILES_MAX ? [] : await marksOf(places);
    return { mark: JSON.stringify([base, names, marks]), places, errors: [] };
  } catch (error) {
    const why = `${folder}: cannot be read (${codeOf(error)})`;
    return { mark: why, places: [], errors: [why] };
  }
}

/**
 * Where the files are. A mounted ConfigMap is a folder of links through `..data`, which Kubernetes turns to a new
 * folder when the map changes: looking behind it once reads all files of one version.
 */
async function baseOf(folder: string): Promise<{ base: string; isMount: boolean }> {
  try {
    return { base: await realpath(join(folder, '..data')), isMount: true };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { base: folder, isMount: false };
    throw error;
  }
}

async function marksOf(places: readonly Place[]): Promise<string[]> {
  const marks: string[] = [];
  for (let at = 0; at < places.length; at += TOGETHER) {
    marks.push(...(await Promise.all(places.slice(at, at + TOGETHER).map(markOf))));
  }
  return marks;
}

async function markOf({ path }: Place): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return codeOf(error);
  }
}

/** The texts of the files: of 1 MiB each and 16 MiB in all at most. */
export async function readFiles(
  places: readonly Place[],
): Promise<{ files: PolicyFile[]; errors: string[] }> {
  const files: PolicyFile[] = [];
  const errors: string[] = [];
  let bytesLeft = ALL_BYTES_MAX;
  for (const { name, path } of places) {
    const text = await textOf(path, { bytesLeft, bytesInAll: ALL_BYTES_MAX });
    if (text instanceof NoText) {
      errors.push(`${name}:1:1: ${text.why}`);
      continue;
    }
    bytesLeft -= Buffer.byteLength(text);
    files.push({ name, text });
  }
  return { files, errors };
}
