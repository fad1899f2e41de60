import { readFile } from 'node:fs/promises';
import { trouble } from './command.failure.js';

const FILE_BYTES_MAX = 64 * 1024;

/** What is in a small file that holds a key or a checkpoint. */
export async function textIn(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > FILE_BYTES_MAX) throw new Error('too large');
    return bytes.toString('utf8');
  } catch (error) {
    throw trouble(`${file} cannot be read: name a file, or give the key itself.`, error);
  }
}
