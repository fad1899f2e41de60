import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileFacts } from '../../domain/doctor/service.verdicts.js';

/** Whether a file can be read, and who else may. */
export function readableFile(path: string): Promise<FileFacts> {
  return facts(path, constants.R_OK, 'cannot be read');
}

/** Whether lines can be added to a file and read back; where it is not there yet, whether its folder takes one. */
export async function growingFile(
  path: string,
): Promise<FileFacts & { readonly isThere: boolean }> {
  const found = await facts(path, constants.R_OK | constants.W_OK, 'cannot be read and written');
  if (!found.trouble?.includes('ENOENT')) return { ...found, isThere: true };
  const folder = await facts(dirname(path), constants.W_OK | constants.X_OK, 'takes no files');
  return folder.trouble === null
    ? { path, mode: null, trouble: null, isThere: false }
    : { ...folder, mode: null, isThere: false };
}

async function facts(path: string, wanted: number, words: string): Promise<FileFacts> {
  try {
    const { mode } = await stat(path);
    await access(path, wanted);
    return { path, mode: process.platform === 'win32' ? null : mode & 0o777, trouble: null };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given';
    return { path, mode: null, trouble: `${words} (${code})` };
  }
}
