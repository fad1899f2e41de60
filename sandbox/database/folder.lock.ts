import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isLiving, markOf } from './process.life.js';
import type { ProcessMark } from './process.life.js';

const LOCK = 'lock';

/** Another living process uses the folder. */
export class FolderInUseError extends Error {
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(
      `The database in ${folder} is in use by process ${pid}: end that one, or use another folder.`,
    );
  }
}

/**
 * Takes a folder for this process, from a dead one too.
 *
 * @throws {FolderInUseError}
 */
export function takeFolder(folder: string): void {
  const lock = join(folder, LOCK);
  const mine = unique(lock);
  writeFileSync(mine, JSON.stringify(markOf(process.pid)), { flag: 'wx', mode: 0o600 });
  try {
    for (let tries = 0; tries < 10; tries++) {
      // A link makes the lock whole or not at all: nobody reads one that is half written.
      if (succeeds(() => linkSync(mine, lock), 'EEXIST')) return;
      const holder = holderOf(folder);
      if (holder && isLiving(holder)) throw new FolderInUseError(folder, holder.pid);
      putAside(lock);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  throw new Error(`${lock} cannot be taken: remove it.`);
}

export function releaseFolder(folder: string): void {
  rmSync(join(folder, LOCK), { force: true });
}

/** Who took the folder last; undefined where nobody did, or it is not ours to know. */
export function holderOf(folder: string): ProcessMark | undefined {
  return markIn(join(folder, LOCK));
}

const processMark = z.object({ pid: z.int(), host: z.string(), since: z.string() });

/** Removes a dead process's lock, and puts it back if it turns out to be one that somebody has taken just now. */
function putAside(lock: string): void {
  const aside = unique(lock);
  if (!succeeds(() => renameSync(lock, aside), 'ENOENT')) return;
  const holder = markIn(aside);
  if (holder && isLiving(holder)) renameSync(aside, lock);
  else rmSync(aside, { force: true });
}

function markIn(path: string): ProcessMark | undefined {
  try {
    return processMark.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function unique(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}`;
}

/** Runs it. @returns false where it failed with this code; any other failure is thrown. */
function succeeds(act: () => void, code: string): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return false;
    throw error;
  }
}
