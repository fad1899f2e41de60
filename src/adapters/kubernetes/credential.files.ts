import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** A kubeconfig, a certificate or a token is never near this. */
const FILE_BYTES_MAX = 1024 * 1024;

/**
 * The files that one reading of credentials came from, and whether any of them is another one now. A Secret that is
 * mounted changes by a symbolic link: what is looked at is where a path leads to, and nothing is watched, so that no
 * change is missed on any file system.
 */
export class CredentialFiles {
  private readonly stamps = new Map<string, string>();
  private readonly hash = createHash('sha256');

  /** A file's bytes. @throws Error where it cannot be read; that it was looked at counts all the same. */
  async read(path: string): Promise<Buffer> {
    // Before it is read: a change in between is found by the next look.
    this.stamps.set(path, await stampOf(path));
    const bytes = await readFile(path);
    if (bytes.length > FILE_BYTES_MAX) throw new RangeError('a credential file without end');
    this.hash.update(`${path} ${bytes.length}\n`).update(bytes);
    return bytes;
  }

  /** The same for the same bytes in the same files. */
  digest(): string {
    return this.hash.copy().digest('base64');
  }

  /** Whether one of them may be another than was read. One after the other: Node has four threads for all that is asked of files. */
  async changed(): Promise<boolean> {
    for (const [path, stamp] of this.stamps) {
      if ((await stampOf(path)) !== stamp) return true;
    }
    return false;
  }
}

/** Changes with the file, its rights and where it is; a file that cannot be seen has one too. */
async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino, dev } = await stat(path);
    return [mtimeMs, ctimeMs, size, ino, dev].join(' ');
  } catch {
    return 'unseen';
  }
}
