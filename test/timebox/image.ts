import { accessSync, constants } from 'node:fs';
import { chmod, copyFile, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** What a container finds of programs: a folder that is all of its PATH. */
export interface Image {
  readonly shell: string;
  readonly env: { readonly PATH: string };
  /** The path of one of its programs. */
  path(program: string): string;
  remove(): Promise<void>;
}

/** The programs of an image that has all a timer needs. */
export const PROGRAMS = ['date', 'sleep'];

/**
 * An image whose `sh` is the shell at `shellPath`. In a folder that every user may read: containers are not all root,
 * and a working copy may be nobody else's business.
 */
export async function image(args: {
  readonly shellPath: string;
  /** Names of this machine's programs, or further names with where the program is. */
  readonly programs: readonly (string | { readonly name: string; readonly path: string })[];
}): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), 'timebox-'));
  await chmod(folder, 0o755);
  const put = async (name: string, from: string): Promise<string> => {
    const path = join(folder, name);
    await copyFile(from, path);
    await chmod(path, 0o755);
    return path;
  };
  for (const program of args.programs) {
    if (typeof program === 'string') {
      await symlink(await realpath(onThisMachine(program)), join(folder, program));
    } else {
      await put(program.name, program.path);
    }
  }
  return {
    shell: await put('sh', args.shellPath),
    env: { PATH: folder },
    path: (program) => join(folder, program),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function onThisMachine(program: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      continue;
    }
  }
  throw new Error(`this machine has no ${program}`);
}
