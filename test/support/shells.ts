import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../.hallpass/cache/', import.meta.url));

export const SHELLS = ['busybox', 'dash', 'bash'] as const;
export type ShellName = (typeof SHELLS)[number];

/** Where a shell is on this machine (`busybox`: to be called as `sh`), or why there is none. */
export type FoundShell = { readonly path: string } | { readonly missing: string };

/** Debian's package of each, and where the program is in it (dash and bash moved when /bin became /usr/bin). */
const PACKAGES: Readonly<Record<ShellName, { name: string; programs: readonly string[] }>> = {
  busybox: { name: 'busybox-static', programs: ['usr/bin/busybox', 'bin/busybox'] },
  dash: { name: 'dash', programs: ['usr/bin/dash', 'bin/dash'] },
  bash: { name: 'bash', programs: ['usr/bin/bash', 'bin/bash'] },
};

const found = new Map<ShellName, Promise<FoundShell>>();

/**
 * Finds a shell: the machine's own, else what an earlier run left in `.hallpass/cache/`, else Debian's package, unpacked
 * there and installed nowhere. Needs no root for that, and no package lists: it fetches lists of its own where apt has
 * none. A machine without apt or without a way to its archive gets `missing`, with the reason; it never throws for that.
 */
export function findShell(shell: ShellName): Promise<FoundShell> {
  const known = found.get(shell) ?? search(shell);
  found.set(shell, known);
  return known;
}

/** The path of busybox, or undefined where this machine has none and can fetch none. */
export async function busyboxPath(): Promise<string | undefined> {
  const busybox = await findShell('busybox');
  return 'path' in busybox ? busybox.path : undefined;
}

async function search(shell: ShellName): Promise<FoundShell> {
  const folders = ['/bin', '/usr/bin', ...(process.env['PATH'] ?? '').split(':'), cache];
  const here = folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, shell))
    .find(isExecutable);
  if (here !== undefined) return { path: here };
  try {
    return { path: await unpackPackage(shell) };
  } catch (error) {
    const { name } = PACKAGES[shell];
    return {
      missing: `this machine has no ${shell}, and Debian's package ${name} could not be fetched: ${reasonOf(error)}`,
    };
  }
}

async function unpackPackage(shell: ShellName): Promise<string> {
  const { name, programs } = PACKAGES[shell];
  await mkdir(cache, { recursive: true });
  // A folder of its own, and a rename at the end: others may do the same now, or have been killed halfway.
  const folder = await mkdtemp(join(cache, `${shell}-package-`));
  try {
    await mkdir(join(folder, 'archives', 'partial'), { recursive: true });
    await downloadPackage(name, folder);
    const [archive] = (await readdir(folder)).filter((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error('apt-get said yes and left no package');
    await run('dpkg-deb', ['-x', join(folder, archive), join(folder, 'root')]);
    const program = programs
      .map((path) => join(folder, 'root', path))
      .find((path) => existsSync(path));
    if (program === undefined) throw new Error(`${archive} holds none of ${programs.join(', ')}`);
    await copyFile(program, join(folder, shell));
    await chmod(join(folder, shell), 0o755);
    await rename(join(folder, shell), join(cache, shell));
    return join(cache, shell);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function downloadPackage(name: string, folder: string): Promise<void> {
  const ours = [
    `Dir::Cache=${folder}`,
    // As root, apt would fetch as a user of its own, who may not write here.
    'APT::Sandbox::User=root',
    'Acquire::http::Timeout=8',
    'Acquire::https::Timeout=8',
    'Acquire::Retries=1',
  ];
  const aptGet = (settings: readonly string[], ...command: readonly string[]) =>
    run('apt-get', ['-qq', ...settings.flatMap((each) => ['-o', each]), ...command], {
      cwd: folder,
      timeout: 25_000,
      killSignal: 'SIGKILL',
    });
  try {
    await aptGet(ours, 'download', name);
  } catch {
    // No lists, or old ones that name what the archive has no more: fetch lists of our own.
    const lists = join(folder, 'lists');
    await mkdir(join(lists, 'partial'), { recursive: true });
    const withLists = [...ours, `Dir::State::lists=${lists}`, 'Acquire::Languages=none'];
    // One broken source of several fails the update; the download tells whether it was one that matters.
    await aptGet(withLists, 'update').catch(() => undefined);
    await aptGet(withLists, 'download', name);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** apt-get's own last words where it has any. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const lines = (typeof stderr === 'string' ? stderr : '').trim().split('\n');
  return (lines.at(-1) || String(message)).trim();
}
