/** The candidate that `name` was most likely meant to be; undefined where none is near. Case and `-_` do not count. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name);
  const farthest = Math.max(1, Math.floor(wanted.length / 3));
  return candidates
    .map((candidate) => ({ candidate, distance: distance(wanted, plain(candidate)) }))
    .filter((it) => it.distance <= farthest)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

function plain(name: string): string {
  return name.slice(0, 100).toLowerCase().replaceAll(/[-_]/g, '');
}

/** How many letters must be added, dropped or changed (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const below = [i + 1];
    for (const [j, other] of [...b].entries()) {
      below.push(
        Math.min(
          (below[j] ?? 0) + 1,
          (row[j + 1] ?? 0) + 1,
          (row[j] ?? 0) + (letter === other ? 0 : 1),
        ),
      );
    }
    row = below;
  }
  return row[b.length] ?? 0;
}
