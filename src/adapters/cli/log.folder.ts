import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WritableLogFiles } from '../../app/ports/log.files.js';

/** A log in a folder of this machine, its files readable by their owner alone. */
export class LogFolder extends WritableLogFiles {
  constructor(private readonly folder: string) {
    super();
  }

  override async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.folder, path));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  override async holds(folder: string): Promise<boolean> {
    try {
      return (await stat(join(this.folder, folder))).isDirectory();
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  override async write(path: string, bytes: Buffer): Promise<void> {
    await this.stream(path, (write) => write(bytes));
  }

  /** Writes a file bit by bit, which is there whole or as it was before. @returns where it is. */
  async stream(
    path: string,
    fill: (write: (bytes: Buffer | string) => Promise<void>) => Promise<void>,
  ): Promise<string> {
    const place = join(this.folder, path);
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    const whole = `${place}.${randomUUID()}`;
    const file = await open(whole, 'wx', 0o600);
    try {
      // On an open file this goes on from where the one before ended.
      await fill((bytes) => file.writeFile(bytes));
      await file.sync();
      await file.close();
      await rename(whole, place);
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(whole, { force: true });
      throw error;
    }
    return place;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
