const LINE = /^([0-9a-f]{64}) {2}(\S+)$/;

/** The digests of files as `sha256sum` writes and checks them: a line each, in the order of the names. */
export function writeSums(sums: ReadonlyMap<string, string>): string {
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sha256]) => `${sha256}  ${name}\n`)
    .join('');
}

/** SHA-256 (hex) by name; undefined where the text is nothing that {@link writeSums} writes. */
export function readSums(text: string): ReadonlyMap<string, string> | undefined {
  const sums = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sha256, name] = LINE.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) return undefined;
    sums.set(name, sha256);
  }
  return writeSums(sums) === text ? sums : undefined;
}
