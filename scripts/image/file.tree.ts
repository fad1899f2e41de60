import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A file, folder or link of a tree. */
export interface TreeEntry {
  /** Below the tree's root, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** The bits of its rights. */
  readonly mode: number;
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  /** SHA-256 of a file's content; the target of a link; empty for a folder. */
  readonly content: string;
}

/** All of a tree, by path. */
export function readTree(root: string, below = ''): TreeEntry[] {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((name): TreeEntry[] => {
      const path = below === '' ? name : `${below}/${name}`;
      const at = join(root, path);
      const stat = lstatSync(at);
      const entry = { path, mode: stat.mode & 0o7777, modifiedAt: Math.floor(stat.mtimeMs / 1000) };
      if (stat.isSymbolicLink())
        return [{ ...entry, kind: 'link', bytes: 0, content: readlinkSync(at) }];
      if (!stat.isDirectory()) {
        const content = createHash('sha256').update(readFileSync(at)).digest('hex');
        return [{ ...entry, kind: 'file', bytes: stat.size, content }];
      }
      return [{ ...entry, kind: 'folder', bytes: 0, content: '' }, ...readTree(root, path)];
    });
}

/** One hash of all of it: names, kinds, rights, times and contents. */
export function treeDigest(entries: readonly TreeEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) hash.update(`${JSON.stringify(Object.values(entry))}\n`);
  return `sha256:${hash.digest('hex')}`;
}
