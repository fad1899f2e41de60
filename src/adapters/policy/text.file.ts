import { readFile, stat } from 'node:fs/promises';

const FILE_BYTES_MAX = 1024 * 1024;

/** Why a file gives no text, as words that follow its name. */
export class NoText {
  constructor(readonly why: string) {}
}

/** How many bytes are left for a file, of how many for all. */
export interface Room {
  readonly bytesLeft: number;
  readonly bytesInAll: number;
}

/** The text of a file of 1 MiB at most, and of no more than there is room for. */
export async function textOf(path: string, room?: Room): Promise<string | NoText> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return new NoText('is not a file');
    if (facts.size > FILE_BYTES_MAX) return new NoText(`is larger than ${FILE_BYTES_MAX} bytes`);
    if (room && facts.size > room.bytesLeft) {
      return new NoText(`makes more than ${room.bytesInAll} bytes in all`);
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    // PostgreSQL has no place for it.
    return text.includes('\0') ? new NoText('holds a character that is no text (NUL)') : text;
  } catch (error) {
    const code = codeOf(error);
    return new NoText(
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'is not UTF-8' : `cannot be read (${code})`,
    );
  }
}

/** The code of an error of the operating system; anything else is a bug and is thrown on. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  throw error;
}
