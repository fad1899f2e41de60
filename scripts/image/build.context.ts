import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import dockerignore from '@balena/dockerignore';

/** What COPY takes from: a folder, less what is kept from the engine. */
export class CopySource {
  private constructor(
    private readonly folder: string,
    private readonly isKept: (path: string) => boolean,
  ) {}

  /** The context of a build: the folder without what its `.dockerignore` names. */
  static context(folder: string): CopySource {
    const file = join(folder, '.dockerignore');
    const rules = dockerignore.default().add(existsSync(file) ? readFileSync(file, 'utf8') : '');
    return new CopySource(folder, (path) => !rules.ignores(path));
  }

  /** The files of another stage, all of them. */
  static stage(folder: string): CopySource {
    return new CopySource(folder, () => true);
  }

  /**
   * Copies as COPY does: of a folder its content, into a folder where there are several sources or the target ends in a
   * slash. Times stay, and rights.
   *
   * @throws Error where a source is not there, or is kept from the engine.
   */
  copy(sources: readonly string[], target: string): void {
    const isInto = sources.length > 1 || target.endsWith('/');
    for (const source of sources) {
      const path = relative(this.folder, join(this.folder, source));
      const from = join(this.folder, path);
      if (path.startsWith('..') || !existsSync(from))
        throw new Error(`COPY: ${source} is not there`);
      const isFolder = lstatSync(from).isDirectory();
      if (!isFolder && !this.isKept(path))
        throw new Error(`COPY: .dockerignore keeps ${source} away`);
      const to = isInto && !isFolder ? join(target, basename(path)) : target;
      mkdirSync(isFolder ? to : dirname(to), { recursive: true });
      if (isFolder) this.copyInto(path, to);
      else cpSync(from, to, { preserveTimestamps: true });
    }
  }

  private copyInto(path: string, to: string): void {
    for (const name of readdirSync(join(this.folder, path))) {
      const below = join(path, name);
      const from = join(this.folder, below);
      // A folder that is ignored may hold what is not.
      if (lstatSync(from).isDirectory()) this.copyInto(below, join(to, name));
      else if (this.isKept(below)) {
        mkdirSync(to, { recursive: true });
        const options = { preserveTimestamps: true, verbatimSymlinks: true } as const;
        cpSync(from, join(to, name), options);
      }
    }
    if (!existsSync(to)) return;
    const { mode, atime, mtime } = lstatSync(join(this.folder, path));
    chmodSync(to, mode);
    utimesSync(to, atime, mtime);
  }
}
