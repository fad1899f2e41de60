import { readFileSync } from 'node:fs';
import { isMap, isScalar, parseDocument } from 'yaml';
import type { Pair, Scalar, YAMLMap } from 'yaml';

/** A value of the chart, as values.yaml has it. */
export interface ValueRow {
  /** With dots: `image.tag`. */
  readonly path: string;
  /** The heading (`# -- …`) that it stands under. */
  readonly section: string;
  /** What its comment says; empty where it has none. */
  readonly comment: string;
  readonly fallback: unknown;
  /** Whether it is a map whose own keys have comments, and so rows. */
  readonly isGroup: boolean;
}

export const VALUES_FILE = 'helm/hallpass/values.yaml';

/** Every value of values.yaml that has a comment or is beside one that has, in its order. */
export function readValues(text = readFileSync(VALUES_FILE, 'utf8')): readonly ValueRow[] {
  const document = parseDocument(text);
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root)) throw new Error(`${VALUES_FILE} is no map`);
  return rowsOf(root as YAMLMap<Scalar>, { path: '', section: '' });
}

function rowsOf(map: YAMLMap<Scalar>, place: { path: string; section: string }) {
  let { section } = place;
  const rows: ValueRow[] = [];
  map.items.forEach((pair, index) => {
    // The parser gives what stands above the first key of a map to the map.
    const above = [index === 0 ? map.commentBefore : undefined, pair.key.commentBefore];
    const { heading, comment } = commentOf(
      above.filter((it) => it !== null && it !== undefined).join('\n\n'),
    );
    section = heading ?? section;
    const path = place.path === '' ? nameOf(pair) : `${place.path}.${nameOf(pair)}`;
    const inner = isMap(pair.value) ? rowsOf(asKeyed(pair.value), { path, section }) : [];
    const isGroup = inner.some((row) => row.comment !== '');
    const node = pair.value as { toJSON(): unknown } | null;
    rows.push({ path, section, comment, fallback: node?.toJSON() ?? null, isGroup });
    if (isGroup) rows.push(...inner);
  });
  return rows;
}

function asKeyed(map: YAMLMap): YAMLMap<Scalar> {
  return map as YAMLMap<Scalar>;
}

function nameOf({ key }: Pair<Scalar>): string {
  if (!isScalar(key) || typeof key.value !== 'string') throw new Error('a key must be a text');
  return key.value;
}

/** The last paragraph is the value's own; one that begins with `--` is a heading of what follows. */
function commentOf(text: string): { heading?: string; comment: string } {
  const paragraphs = text
    .split(/\n\s*\n/)
    .map((it) => it.replaceAll(/\s*\n\s*/g, ' ').trim())
    .filter((it) => it !== '');
  const heading = paragraphs.findLast((it) => it.startsWith('-- '))?.slice(3);
  const last = paragraphs.at(-1) ?? '';
  return {
    ...(heading === undefined ? {} : { heading }),
    comment: last.startsWith('-- ') ? '' : last,
  };
}
