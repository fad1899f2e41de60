/** Why nothing more can be written somewhere, by the code of the operating system, and what to do. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no room left: make some, or write it elsewhere',
  EDQUOT: 'the quota is used up: have it raised, or write it elsewhere',
  EFBIG: 'the file would be too large: write it elsewhere',
  EROFS: 'nothing can be written there: write it elsewhere',
  EIO: 'the disk fails: write it elsewhere',
};

/** The sentence for what could not be written; undefined where the error is another one. */
export function unwritten(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = Object.hasOwn(CAUSES, code) ? CAUSES[code] : undefined;
  return cause === undefined
    ? undefined
    : `It could not be written whole (${code}): ${cause}. What is there of it counts for nothing.`;
}
