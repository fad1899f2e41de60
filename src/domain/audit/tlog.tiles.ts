import type { Hash, Range, Subtree } from './merkle.tree.js';
import { HASH_BYTES, nodeHashOf, perfectSubtrees } from './merkle.tree.js';

/**
 * The tree in tiles (c2sp.org/tlog-tiles): a tile of level L has up to 256 hashes, each that of 256^L leaves; bundles hold
 * the entries themselves.
 */

export const TILE_WIDTH = 256;
/** How many levels of the tree are in a tile. */
export const TILE_HEIGHT = 8;
const LEVEL_MAX = 63;

export interface TileId {
  readonly level: number;
  readonly index: number;
  /** How many hashes it has, from 1 to 256. */
  readonly width: number;
}

/** All tiles of a tree, those that are not full too, level by level. */
export function* tilesOf(size: number): Generator<TileId> {
  for (let [level, left] = [0, size]; left > 0; level += 1, left = Math.floor(left / TILE_WIDTH)) {
    yield* bundlesOf(left).map(({ index, width }) => ({ level, index, width }));
  }
}

/** The bundles of a log's entries: those of tiles of level 0. */
export function bundlesOf(size: number): { readonly index: number; readonly width: number }[] {
  return Array.from({ length: Math.ceil(size / TILE_WIDTH) }, (_, index) => ({
    index,
    width: Math.min(TILE_WIDTH, size - index * TILE_WIDTH),
  }));
}

/** `tile/0/x001/x234/067.p/8`: where a tile is, below the log's prefix. `entries` in place of a level for a bundle. */
export function tilePath(level: number | 'entries', index: number, width: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** What such a path names; undefined for every other path, also for other spellings of the same. */
export function readTilePath(
  path: string,
): { level: number | 'entries'; index: number; width: number } | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(
    path,
  );
  if (match === null) return undefined;
  const [, of = '', groups = '', partial] = match;
  const level = of === 'entries' ? of : Number(of);
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  const isKnown = level === 'entries' || level <= LEVEL_MAX;
  return isKnown && tilePath(level, index, width) === path ? { level, index, width } : undefined;
}

/** The tiles that the hashes of these ranges are in, in a tree of that size, each once. */
export function tilesFor(ranges: readonly Range[], size: number): TileId[] {
  const tiles = ranges.flatMap((range) => perfectSubtrees(range).map((it) => tileOf(it, size)));
  return [...new Map(tiles.map((it) => [`${it.level}/${it.index}`, it])).values()];
}

/** The tile that the hash of a perfect subtree is in, or is made of, in a tree of that size. */
export function tileOf({ level, index }: Subtree, size: number): TileId {
  const ofTile = Math.floor(level / TILE_HEIGHT);
  const first = index * 2 ** (level % TILE_HEIGHT);
  const hashes = Math.floor(size / TILE_WIDTH ** ofTile);
  const at = Math.floor(first / TILE_WIDTH);
  return { level: ofTile, index: at, width: Math.min(TILE_WIDTH, hashes - at * TILE_WIDTH) };
}

/** The hash of a perfect subtree from the bytes of the tile that it is in. @throws where the tile has not so many. */
export function hashInTile({ level, index }: Subtree, tile: Buffer): Hash {
  const count = 2 ** (level % TILE_HEIGHT);
  const first = (index * count) % TILE_WIDTH;
  if (tile.length < (first + count) * HASH_BYTES) throw new Error('a tile is too short');
  let hashes = Array.from({ length: count }, (_, at) =>
    tile.subarray((first + at) * HASH_BYTES, (first + at + 1) * HASH_BYTES),
  );
  while (hashes.length > 1) hashes = pairs(hashes);
  return hashes[0] ?? tile;
}

function pairs(hashes: readonly Hash[]): Hash[] {
  const above: Hash[] = [];
  for (let at = 0; at + 1 < hashes.length; at += 2) {
    const [left, right] = [hashes[at], hashes[at + 1]];
    if (left && right) above.push(nodeHashOf(left, right));
  }
  return above;
}

/** Entries as a bundle: each after its length in two bytes, the higher first. @throws where one is too long. */
export function packBundle(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** The entries of a bundle; undefined where it ends in the middle of one. */
export function unpackBundle(bundle: Buffer): Buffer[] | undefined {
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    if (at + 2 > bundle.length) return undefined;
    const end = at + 2 + bundle.readUInt16BE(at);
    if (end > bundle.length) return undefined;
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}
