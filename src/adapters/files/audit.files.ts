import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import type { AuditFile } from '../../app/ports/audit.files.js';
import { AuditFiles } from '../../app/ports/audit.files.js';

/** What of a first line tells files apart: it has an id and times. */
const HEAD_BYTES = 4_096;
const NEWLINE = 10;

/**
 * Files as kube-apiserver rotates them: `audit.log` becomes `audit-<time>.log`, whose names are in the order of time.
 * Compressed ones are not read.
 */
export class LocalAuditFiles extends AuditFiles {
  async each(path: string, use: (file: AuditFile) => Promise<void>): Promise<void> {
    for (const name of [...(await rotatedFrom(path)), path]) {
      // One that was renamed or removed meanwhile is found under its new name the next time.
      const handle = await open(name, 'r').catch(unlessGone);
      if (!handle) continue;
      try {
        const id = await idOf(handle);
        if (id === undefined) continue;
        const { size } = await handle.stat();
        await use({ id, bytes: size, read: (from, max) => readAt(handle, from, max) });
      } finally {
        await handle.close();
      }
    }
  }
}

async function rotatedFrom(path: string): Promise<string[]> {
  const [folder, end] = [dirname(path), extname(path)];
  const start = `${basename(path, end)}-`;
  const names = (await readdir(folder).catch(unlessGone)) ?? [];
  return names
    .filter((it) => it.startsWith(start) && it.endsWith(end))
    .sort()
    .map((it) => join(folder, it));
}

async function idOf(handle: FileHandle): Promise<string | undefined> {
  const head = await readAt(handle, 0, HEAD_BYTES);
  const end = head.indexOf(NEWLINE);
  if (end < 0 && head.length < HEAD_BYTES) return undefined;
  return createHash('sha256')
    .update(end < 0 ? head : head.subarray(0, end))
    .digest('hex');
}

async function readAt(handle: FileHandle, from: number, bytesMax: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytesMax);
  const { bytesRead } = await handle.read(buffer, 0, bytesMax, from);
  return buffer.subarray(0, bytesRead);
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
