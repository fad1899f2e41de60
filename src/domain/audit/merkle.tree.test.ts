import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Hash, Range } from './merkle.tree.js';
import {
  EMPTY_ROOT,
  GrowingTree,
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  isIncluded,
  leafHashOf,
  nodeHashOf,
  perfectSubtrees,
  rangeHash,
  rootOf,
} from './merkle.tree.js';

/** The entries and roots that Certificate Transparency's own tests use. */
const ENTRIES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leaves = (count: number): Hash[] =>
  Array.from({ length: count }, (_, at) => leafHashOf(Buffer.from(`entry ${at}`)));

/** The tree hash as RFC 6962 writes it down. */
function treeHash(of: readonly Hash[]): Hash {
  const [only] = of;
  if (of.length <= 1) return only ?? EMPTY_ROOT;
  let split = 1;
  while (split * 2 < of.length) split *= 2;
  return nodeHashOf(treeHash(of.slice(0, split)), treeHash(of.slice(split)));
}

function hashesOf(ranges: readonly Range[], all: readonly Hash[]): Hash[] {
  return ranges.map((range) =>
    rangeHash(range, ({ level, index }) =>
      treeHash(all.slice(index * 2 ** level, (index + 1) * 2 ** level)),
    ),
  );
}

/** The binary ones of a number. */
function ones(number: number): number {
  return [...number.toString(2)].filter((digit) => digit === '1').length;
}

const size = fc.integer({ min: 0, max: 300 });

describe('a Merkle tree', () => {
  test('has the roots that Certificate Transparency publishes', () => {
    const hashed = ENTRIES.map((entry) => leafHashOf(Buffer.from(entry, 'hex')));
    expect(ROOTS.map((_, at) => rootOf(hashed.slice(0, at + 1)).toString('hex'))).toEqual(ROOTS);
    expect(rootOf([]).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
  });

  test('grows to the root of all its leaves, taken up from its perfect subtrees anywhere', () => {
    fc.assert(
      fc.property(size, size, (before, more) => {
        const all = leaves(before + more);
        const roots = perfectSubtrees({ begin: 0, end: before }).map(({ level, index }) =>
          treeHash(all.slice(index * 2 ** level, (index + 1) * 2 ** level)),
        );
        const tree = GrowingTree.of(before, roots);
        const copy = tree.copy();
        const found: [number, number, Hash][] = [];
        for (const leaf of all.slice(before)) {
          tree.append(leaf, ({ level, index }, root) => found.push([level, index, root]));
        }
        for (const [level, index, root] of found) {
          const under = all.slice(index * 2 ** level, (index + 1) * 2 ** level);
          expect([level, index, root]).toEqual([level, index, treeHash(under)]);
        }
        expect(found.length).toBe(tree.size - ones(tree.size) - (before - ones(before)));
        expect(copy.root()).toEqual(treeHash(all.slice(0, before)));
        expect(tree.size).toBe(all.length);
        expect(tree.root()).toEqual(treeHash(all));
      }),
    );
    expect(() => GrowingTree.of(3, [EMPTY_ROOT])).toThrow('perfect subtrees');
  });

  test('proves each of its leaves, and no other leaf, place, size, root or proof', () => {
    const some = fc
      .integer({ min: 1, max: 200 })
      .chain((count) =>
        fc.record({ count: fc.constant(count), index: fc.nat(count - 1), other: fc.nat(10_000) }),
      );
    fc.assert(
      fc.property(some, ({ count, index, other }) => {
        const all = leaves(count);
        const proof = hashesOf(inclusionRanges(index, count), all);
        const root = rootOf(all);
        const true_ = { leaf: all[index] ?? EMPTY_ROOT, index, size: count, root, proof };
        expect(isIncluded(true_)).toBe(true);
        const cut = proof.filter((_, at) => at !== other % proof.length);
        const false_ = [
          { ...true_, leaf: leafHashOf(Buffer.from('another')) },
          { ...true_, index: count },
          { ...true_, root: EMPTY_ROOT },
          { ...true_, proof: [...proof, root] },
          ...(count > 1 ? [{ ...true_, index: index === 0 ? 1 : index - 1 }] : []),
          ...(proof.length > 0 ? [{ ...true_, proof: cut }] : []),
        ];
        expect(false_.filter(isIncluded)).toEqual([]);
      }),
    );
    expect(() => inclusionRanges(3, 3)).toThrow('has no leaf 3');
  });

  test('proves what it began with, and nothing else', () => {
    const two = fc
      .integer({ min: 1, max: 200 })
      .chain((count) => fc.tuple(fc.constant(count), fc.nat(count)));
    fc.assert(
      fc.property(two, ([count, before]) => {
        const all = leaves(count);
        const proof = hashesOf(consistencyRanges(before, count), all);
        const older = { size: before, root: rootOf(all.slice(0, before)) };
        const newer = { size: count, root: rootOf(all) };
        expect(isConsistent({ older, newer, proof })).toBe(true);
        const forged = { ...older, root: leafHashOf(Buffer.from('forged')) };
        expect(isConsistent({ older: forged, newer, proof })).toBe(false);
        expect(isConsistent({ older, newer, proof: [...proof, older.root] })).toBe(false);
        if (before > 0) {
          const other = { ...newer, root: forged.root };
          expect(isConsistent({ older, newer: other, proof })).toBe(false);
        }
        if (before > 0 && before < count) {
          expect(isConsistent({ older, newer, proof: proof.slice(1) })).toBe(false);
          expect(isConsistent({ older: newer, newer: older, proof })).toBe(false);
        }
      }),
    );
    expect(() => consistencyRanges(4, 3)).toThrow('has not begun with 4');
  });
});
