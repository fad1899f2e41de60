import type { Hash, Range, Subtree } from '../domain/audit/merkle.tree.js';
import { GrowingTree, perfectSubtrees, rangeHash } from '../domain/audit/merkle.tree.js';
import { hashInTile, tileOf, tilesFor } from '../domain/audit/tlog.tiles.js';
import type { LogStore } from './ports/log.store.js';

/** The hashes of these ranges of a tree of that size, read from its tiles. */
export async function hashesOf(
  ranges: readonly Range[],
  size: number,
  tiles: LogStore['tiles'],
): Promise<Hash[]> {
  const ids = tilesFor(ranges, size);
  const read = await tiles(ids);
  const bytes = new Map(ids.map((id, at) => [`${id.level}/${id.index}`, read[at]]));
  const hashOf = (subtree: Subtree): Hash => {
    const { level, index } = tileOf(subtree, size);
    const tile = bytes.get(`${level}/${index}`);
    if (tile === undefined) throw new Error(`tile ${level}/${index} was not read`);
    return hashInTile(subtree, tile);
  };
  return ranges.map((range) => rangeHash(range, hashOf));
}

/** The tree of the first events, ready to grow, read from its tiles. */
export async function treeOfSize(size: number, tiles: LogStore['tiles']): Promise<GrowingTree> {
  const ranges = perfectSubtrees({ begin: 0, end: size }).map(({ level, index }) => ({
    begin: index * 2 ** level,
    end: (index + 1) * 2 ** level,
  }));
  return GrowingTree.of(size, await hashesOf(ranges, size, tiles));
}
