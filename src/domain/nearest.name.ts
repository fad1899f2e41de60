/** More candidates are not looked through: a hostile document can name thousands. */
const CANDIDATES_MAX = 1_000;
const LETTERS_MAX = 100;

/** The candidate that `name` was most likely meant to be; undefined where none is near. Case and `-_` do not count. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name);
  let within = Math.max(1, Math.floor(wanted.length / 3));
  let nearest: string | undefined;
  for (const candidate of candidates.slice(0, CANDIDATES_MAX)) {
    const far = distance(wanted, plain(candidate), within);
    if (far > within) continue;
    nearest = candidate;
    // The next one has to be nearer still.
    within = far - 1;
    if (within < 0) break;
  }
  return nearest;
}

/** Looks for names until so much was looked through: many mistakes at once need not all be told what was meant. */
export class NearestNames {
  constructor(private candidatesLeft = 50_000) {}

  /** As {@link nearestName}; undefined as well once too much was asked. */
  of(name: string, candidates: readonly string[]): string | undefined {
    this.candidatesLeft -= Math.min(candidates.length, CANDIDATES_MAX);
    return this.candidatesLeft < 0 ? undefined : nearestName(name, candidates);
  }
}

function plain(name: string): string {
  return name.slice(0, LETTERS_MAX).toLowerCase().replaceAll(/[-_]/g, '');
}

/** How many letters must be added, dropped or changed (Levenshtein); beyond `atMost` only that it is more. */
function distance(a: string, b: string, atMost: number): number {
  if (Math.abs(a.length - b.length) > atMost) return atMost + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const below = [i + 1];
    let least = i + 1;
    for (let j = 0; j < b.length; j++) {
      const cell = Math.min(
        (below[j] ?? 0) + 1,
        (row[j + 1] ?? 0) + 1,
        (row[j] ?? 0) + (a.charCodeAt(i) === b.charCodeAt(j) ? 0 : 1),
      );
      below.push(cell);
      if (cell < least) least = cell;
    }
    if (least > atMost) return least;
    row = below;
  }
  return row[b.length] ?? 0;
}
