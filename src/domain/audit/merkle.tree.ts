import { hash } from 'node:crypto';

/**
 * Merkle trees as RFC 6962 (§2.1) has them, over SHA-256. A tree is told by its size and its root; a **range** is leaves
 * `[begin, end)`. All sizes and indices are integers from 0 to 2^53 − 1.
 */

/** 32 bytes. */
export type Hash = Buffer;

export const HASH_BYTES = 32;
/** Where what is hashed is put together, so that no hash makes a buffer of its own: 0x00 and an entry, 0x01 and two hashes. */
const LEAF = Buffer.alloc(1 + 65_535);
const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** The root of the tree without leaves: SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = sha256(Buffer.alloc(0));

/** The hash of an entry's bytes as a leaf: SHA-256 of 0x00 and them. */
export function leafHashOf(entry: Buffer): Hash {
  if (entry.length >= LEAF.length) return sha256(Buffer.concat([LEAF.subarray(0, 1), entry]));
  entry.copy(LEAF, 1);
  return sha256(LEAF.subarray(0, 1 + entry.length));
}

/** The hash of a node above two others: SHA-256 of 0x01 and both. */
export function nodeHashOf(left: Hash, right: Hash): Hash {
  left.copy(NODE, 1);
  right.copy(NODE, 1 + HASH_BYTES);
  return sha256(NODE);
}

function sha256(bytes: Buffer): Hash {
  return hash('sha256', bytes, 'buffer');
}

/**
 * A tree that grows, of which only the roots of its perfect subtrees are kept, largest first: as many as the size has
 * binary ones. That is all that appending and the root need.
 */
export class GrowingTree {
  private constructor(
    private count: number,
    private readonly roots: Hash[],
  ) {}

  static empty(): GrowingTree {
    return new GrowingTree(0, []);
  }

  /** @throws where there are not as many roots as a tree of that size has. */
  static of(size: number, roots: readonly Hash[]): GrowingTree {
    if (roots.length !== perfectSubtrees({ begin: 0, end: size }).length) {
      throw new Error(`a tree of ${size} has not ${roots.length} perfect subtrees`);
    }
    return new GrowingTree(size, [...roots]);
  }

  get size(): number {
    return this.count;
  }

  /** The same tree, which grows by itself. */
  copy(): GrowingTree {
    return new GrowingTree(this.count, [...this.roots]);
  }

  /** @param complete told of each perfect subtree above the leaf that has all its leaves now, the lowest first. */
  append(leaf: Hash, complete?: (subtree: Subtree, root: Hash) => void): void {
    let node = leaf;
    let level = 0;
    let at = this.count;
    for (; at % 2 === 1; at = (at - 1) / 2) {
      node = nodeHashOf(this.roots.pop() ?? missing(), node);
      level += 1;
      complete?.({ level, index: (at - 1) / 2 }, node);
    }
    this.roots.push(node);
    this.count += 1;
  }

  root(): Hash {
    return foldRoots(this.roots);
  }
}

/** The root above perfect subtrees, largest first. */
function foldRoots(roots: readonly Hash[]): Hash {
  if (roots.length === 0) return EMPTY_ROOT;
  return roots
    .slice(0, -1)
    .reduceRight((right, left) => nodeHashOf(left, right), roots.at(-1) ?? missing());
}

/** The root of a tree of these leaves. */
export function rootOf(leaves: readonly Hash[]): Hash {
  const tree = GrowingTree.empty();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

/** Leaves `[begin, end)`, which are a subtree of some tree. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** A perfect subtree: the leaves from `index * 2^level` on, 2^level of them. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The perfect subtrees that a range is made of, largest first. */
export function perfectSubtrees({ begin, end }: Range): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = begin; at < end;) {
    let [level, width] = [0, 1];
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      level += 1;
      width *= 2;
    }
    subtrees.push({ level, index: at / width });
    at += width;
  }
  return subtrees;
}

/** The hash of a range, from those of perfect subtrees. */
export function rangeHash(range: Range, hashOf: (subtree: Subtree) => Hash): Hash {
  return foldRoots(perfectSubtrees(range).map(hashOf));
}

/** The largest power of two that is less than `size`, which is 2 or more. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/**
 * What proves that the leaf at `index` is in the tree of that size: ranges whose hashes are the proof, in its order, from
 * the leaf's sibling to the root's child (RFC 6962, §2.1.1).
 *
 * @throws where there is no such leaf.
 */
export function inclusionRanges(index: number, size: number): Range[] {
  if (!(index >= 0 && index < size)) throw new Error(`a tree of ${size} has no leaf ${index}`);
  const ranges: Range[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      ranges.push({ begin: middle, end });
      end = middle;
    } else {
      ranges.push({ begin, end: middle });
      begin = middle;
    }
  }
  return ranges.reverse();
}

/**
 * What proves that a tree of `size` begins with that of `older`: ranges whose hashes are the proof, in its order
 * (RFC 6962, §2.1.2). Nothing need be proved where one is empty or both are as large.
 *
 * @throws where the older tree is the larger.
 */
export function consistencyRanges(older: number, size: number): Range[] {
  if (!(older >= 0 && older <= size))
    throw new Error(`a tree of ${size} has not begun with ${older}`);
  if (older === 0 || older === size) return [];
  const ranges: Range[] = [];
  let [begin, end] = [0, size];
  while (end !== older) {
    const middle = begin + splitOf(end - begin);
    if (older <= middle) {
      ranges.push({ begin: middle, end });
      end = middle;
    } else {
      ranges.push({ begin, end: middle });
      begin = middle;
    }
  }
  if (begin !== 0) ranges.push({ begin, end });
  return ranges.reverse();
}

/** Whether the proof leads from the leaf at `index` to the root of the tree of that size (RFC 9162, §2.1.3.2). */
export function isIncluded(args: {
  readonly leaf: Hash;
  readonly index: number;
  readonly size: number;
  readonly root: Hash;
  readonly proof: readonly Hash[];
}): boolean {
  const { leaf, index, size, root, proof } = args;
  if (!(index >= 0 && index < size)) return false;
  let [at, last, hashed] = [index, size - 1, leaf];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hashed = nodeHashOf(sibling, hashed);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hashed = nodeHashOf(hashed, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && hashed.equals(root);
}

/** Whether the proof shows that the newer tree begins with the older (RFC 9162, §2.1.4.2). */
export function isConsistent(args: {
  readonly older: { readonly size: number; readonly root: Hash };
  readonly newer: { readonly size: number; readonly root: Hash };
  readonly proof: readonly Hash[];
}): boolean {
  const { older, newer, proof } = args;
  if (older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root);
  if (older.size === 0) return proof.length === 0 && older.root.equals(EMPTY_ROOT);
  let [at, last] = [older.size - 1, newer.size - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  // A tree that is perfect is a node of the newer one: the proof begins after it.
  const [first, ...rest] = at === 0 ? [older.root, ...proof] : proof;
  if (first === undefined) return false;
  let [ofOlder, ofNewer] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      ofOlder = nodeHashOf(sibling, ofOlder);
      ofNewer = nodeHashOf(sibling, ofNewer);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      ofNewer = nodeHashOf(ofNewer, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && ofOlder.equals(older.root) && ofNewer.equals(newer.root);
}

function half(number: number): number {
  return Math.floor(number / 2);
}

function missing(): never {
  throw new Error('a tree lacks one of its subtrees');
}
