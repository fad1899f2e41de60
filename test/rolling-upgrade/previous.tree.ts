import { execFile } from 'node:child_process';
import { readFile, symlink } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_ROOT } from '../../sandbox/project.root.js';
import { PREVIOUS_RELEASE } from '../upgrade/previous.release.js';

const run = promisify(execFile);

/** The tree of the release before, built, in a folder that is removed in the end. Needs the history. */
export class PreviousTree implements AsyncDisposable {
  private constructor(
    readonly root: string,
    readonly commit: string,
  ) {}

  static async build(): Promise<PreviousTree> {
    const commit = PREVIOUS_RELEASE.commit ?? (await newestWithSchema(PREVIOUS_RELEASE.newest));
    const root = join(await mkdtemp(join(tmpdir(), 'hallpass-previous-')), 'tree');
    await git('worktree', 'add', '--detach', root, commit);
    const tree = new PreviousTree(root, commit);
    try {
      await tree.install();
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
        cwd: root,
      });
      return tree;
    } catch (error) {
      await tree[Symbol.asyncDispose]();
      throw error;
    }
  }

  get migrationsDir(): string {
    return join(this.root, 'prisma', 'migrations');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await git('worktree', 'remove', '--force', this.root);
    await rm(join(this.root, '..'), { recursive: true, force: true });
  }

  /** The packages of this tree do where its lock file is the same. */
  private async install(): Promise<void> {
    const lock = (root: string) => readFile(join(root, 'package-lock.json'), 'utf8');
    if ((await lock(PROJECT_ROOT)) === (await lock(this.root))) {
      await symlink(join(PROJECT_ROOT, 'node_modules'), join(this.root, 'node_modules'));
    } else {
      await run('npm', ['ci', '--prefer-offline', '--no-audit'], { cwd: this.root });
    }
  }
}

async function newestWithSchema(migration: string): Promise<string> {
  const path = `prisma/migrations/${migration}/migration.sql`;
  const commit = await git('log', '-1', '--format=%H', '--', path);
  if (commit === '') throw new Error(`no commit has ${path}: the whole history is needed`);
  return commit;
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: PROJECT_ROOT });
  return stdout.trim();
}
