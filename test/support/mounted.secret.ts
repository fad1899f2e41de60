import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * A Secret as the kubelet mounts it (pkg/volume/util/atomic_writer.go): each file a link into `..data`, itself a link to
 * a folder that is replaced as a whole. Watching a file by its name sees nothing of that.
 */
export class MountedSecret {
  private turn = 0;

  constructor(readonly folder: string) {}

  path(name: string): string {
    return join(this.folder, name);
  }

  /** What is in it from now on, in one step. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    const data = `..2026_${this.turn++}`;
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, data, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { mode: 0o600 });
    }
    await symlink(data, this.path('..data_tmp'));
    await rename(this.path('..data_tmp'), this.path('..data'));
    for (const name of Object.keys(files)) {
      await symlink(join('..data', name), this.path(name)).catch(() => undefined);
    }
  }
}
