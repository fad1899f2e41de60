import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pause } from '../../app/pause.js';
import type { FolderReading } from '../../app/ports/policy.folders.js';
import { PolicyFolders } from '../../app/ports/policy.folders.js';
import type { PolicySet } from '../../domain/policy/policy.js';
import type { Listing } from './folder.files.js';
import { listFolders, readFiles } from './folder.files.js';
import { folderPrefixes } from './folder.names.js';
import type { PolicyErrors } from './policy.documents.js';
import { isPolicyErrors, readDocumentsInSteps } from './policy.documents.js';

/** Whoever writes several files has stopped when nothing changed for so long. */
const SETTLE_MS = 200;
const TRIES_MAX = 50;

/** Folders of documents on this machine: plain ones, or mounted ConfigMaps. */
export class WatchedFolders extends PolicyFolders {
  private readonly stopping = new AbortController();

  private constructor(
    private readonly folders: readonly string[],
    private readonly prefixes: readonly string[],
  ) {
    super();
  }

  /** Touches nothing yet. @returns errors where the same folder is named twice. */
  static of(folders: readonly string[]): WatchedFolders | PolicyErrors {
    const prefixes = folderPrefixes(folders);
    return typeof prefixes === 'string'
      ? { policyErrors: [prefixes] }
      : new WatchedFolders(folders, prefixes);
  }

  override async read(): Promise<FolderReading> {
    return this.readStill(await this.list(), 0);
  }

  override async readUnless(known: string): Promise<FolderReading | undefined> {
    const seen = await this.list();
    return seen.mark === known ? undefined : this.readStill(seen, SETTLE_MS);
  }

  /**
   * Reads once nothing moved for a moment, and again where something moved meanwhile: a ConfigMap's link that was
   * turned, a file that was written to.
   */
  private async readStill(first: Listing, settleMs: number): Promise<FolderReading> {
    let seen = first;
    for (let tries = 1; tries <= TRIES_MAX && !this.stopping.signal.aborted; tries++) {
      await pause(tries === 1 ? settleMs : SETTLE_MS, this.stopping.signal);
      const before = await this.list();
      const read = before.mark === seen.mark ? await readFiles(seen.places) : undefined;
      const after = read ? await this.list() : before;
      if (read && after.mark === seen.mark) {
        return { mark: seen.mark, files: read.files, errors: [...seen.errors, ...read.errors] };
      }
      seen = after;
    }
    const errors = [`${this.folders.join(', ')}: changed again and again while it was read`];
    return { mark: seen.mark, files: [], errors };
  }

  override watch(changed: () => void): () => void {
    const watchers = this.folders.flatMap((folder) => watcherOf(folder, changed));
    return () => {
      this.stopping.abort();
      for (const watcher of watchers) watcher.close();
    };
  }

  private list() {
    return listFolders(this.folders, this.prefixes);
  }
}

/** None where the system has none to give, or the folder is not there: who watches looks now and then as well. */
function watcherOf(folder: string, changed: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, () => changed());
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}

/**
 * Loads folders once, for programs that do not serve.
 *
 * @returns the set, or every error as `file:line:column: path: sentence`.
 */
export async function loadPolicyFolders(
  folders: readonly string[],
): Promise<PolicySet | PolicyErrors> {
  const watched = WatchedFolders.of(folders);
  if (isPolicyErrors(watched)) return watched;
  return setOfReading(await watched.read());
}

/** For so long at most nothing else is done: 10,000 documents take seconds, and sessions cannot wait for them. */
const SLICE_MS = 20;

/** What a reading means: a set, or all that is wrong with files and documents. Lets others have their turn meanwhile. */
export async function setOfReading({
  files,
  errors,
}: Pick<FolderReading, 'files' | 'errors'>): Promise<PolicySet | PolicyErrors> {
  const read = await inSlices(readDocumentsInSteps(files, errors.length === 0));
  if (errors.length === 0) return read;
  return { policyErrors: [...errors, ...(isPolicyErrors(read) ? read.policyErrors : [])] };
}

async function inSlices<T>(steps: Generator<undefined, T>): Promise<T> {
  for (let since = performance.now(); ;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
}
