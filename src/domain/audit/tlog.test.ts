import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openCheckpoint, readHead, signCheckpoint } from './checkpoint.js';
import type { Hash } from './merkle.tree.js';
import { inclusionRanges, leafHashOf, rangeHash, rootOf } from './merkle.tree.js';
import { makeKey, readSigner, readVerifier, signNote } from './signed.note.js';
import { checkProof, readProof, writeProof } from './tlog.proof.js';
import {
  hashInTile,
  packBundle,
  readTilePath,
  tileOf,
  tilePath,
  tilesFor,
  tilesOf,
  unpackBundle,
} from './tlog.tiles.js';

const key = makeKey('hallpass.example/log');
const [signer, verifier] = [readSigner(key.signer), readVerifier(key.verifier)];
if (typeof signer === 'string' || typeof verifier === 'string') throw new Error('no key');

const leavesOf = (count: number): Hash[] =>
  Array.from({ length: count }, (_, at) => leafHashOf(Buffer.from(String(at))));

/** The tiles of a tree, made level by level from all its leaves. */
function tilesBytes(leaves: readonly Hash[]): Map<string, Buffer> {
  const tiles = new Map<string, Buffer>();
  let hashes = leaves;
  for (let level = 0; hashes.length > 0; level += 1) {
    const above: Hash[] = [];
    for (let at = 0; at < hashes.length; at += 256) {
      const tile = hashes.slice(at, at + 256);
      tiles.set(tilePath(level, at / 256, tile.length), Buffer.concat(tile));
      if (tile.length === 256) above.push(rootOf(tile));
    }
    hashes = above;
  }
  return tiles;
}

describe('a checkpoint', () => {
  test('says what was signed, and nothing that was not', () => {
    const heads = fc.record({
      origin: fc.stringMatching(/^[a-z./ ]{1,20}$/),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(heads, (head) => {
        expect(openCheckpoint(signCheckpoint(head, [signer]), [verifier])).toMatchObject(head);
      }),
    );
  });

  test.each([
    ['without an origin', `\n1\n${'A'.repeat(43)}=\n`],
    ['with a size that has a zero before it', `o\n01\n${'A'.repeat(43)}=\n`],
    ['with a size below zero', `o\n-1\n${'A'.repeat(43)}=\n`],
    ['with a size that no number has', `o\n9007199254740992\n${'A'.repeat(43)}=\n`],
    ['with a short root', `o\n1\n${'A'.repeat(42)}==\n`],
    ['with nothing after its size', 'o\n1\n'],
    ['with an empty line', `o\n1\n${'A'.repeat(43)}=\n\n`],
  ])('%s is none, whoever signed it', (_, text) => {
    expect(openCheckpoint(signNote(text, [signer]), [verifier])).toBe('is no checkpoint of a log');
  });

  test('may be extended by lines', () => {
    expect(readHead(`o\n7\n${'A'.repeat(43)}=\nmore\n`)).toMatchObject({ origin: 'o', size: 7 });
  });
});

describe('tiles', () => {
  test('are at the paths that the specification shows', () => {
    expect(tilePath(0, 1_234_067, 256)).toBe('tile/0/x001/x234/067');
    expect(tilePath('entries', 5, 8)).toBe('tile/entries/005.p/8');
    const counts = (size: number) =>
      [...tilesOf(size)].map(({ level, width }) => `${level}:${width}`);
    expect(counts(256)).toEqual(['0:256', '1:1']);
    expect(counts(0)).toEqual([]);
    const large = counts(70_000);
    expect(large.filter((it) => it === '0:256')).toHaveLength(273);
    expect(large.slice(273)).toEqual(['0:112', '1:256', '1:17', '2:1']);
  });

  test('are found by their own paths and by no other spelling', () => {
    const tile = fc.record({
      level: fc.oneof(fc.constant('entries' as const), fc.nat(63)),
      index: fc.nat(2 ** 40),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(tile, ({ level, index, width }) => {
        expect(readTilePath(tilePath(level, index, width))).toEqual({ level, index, width });
      }),
    );
    const others = [
      'tile/64/000',
      'tile/00/000',
      'tile/0/0',
      'tile/0/x000/000',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/000.p/08',
      'tile/0/000/../001',
      'tile/0/1234',
      '/tile/0/000',
      'tile/entries',
    ];
    expect(others.filter((path) => readTilePath(path) !== undefined)).toEqual([]);
  });

  test('have the hashes of every proof', () => {
    const some = fc
      .integer({ min: 1, max: 70_000 })
      .chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)));
    fc.assert(
      fc.property(some, ([size, index]) => {
        const leaves = leavesOf(size);
        const bytes = tilesBytes(leaves);
        const ranges = inclusionRanges(index, size);
        const tiles = tilesFor(ranges, size).map(({ level, index, width }) =>
          tilePath(level, index, width),
        );
        const hashes = ranges.map((range) =>
          rangeHash(range, (subtree) => {
            const { level, index, width } = tileOf(subtree, size);
            const path = tilePath(level, index, width);
            const tile = bytes.get(path);
            if (!tile || !tiles.includes(path)) throw new Error(`no tile ${path}`);
            return hashInTile(subtree, tile);
          }),
        );
        const head = { origin: 'o', size, root: rootOf(leaves) };
        const proof = writeProof({ index, hashes, checkpoint: signCheckpoint(head, [signer]) });
        const leaf = leaves[index] ?? Buffer.alloc(0);
        expect(checkProof(proof, leaf, [verifier])).toMatchObject({ index, size });
        expect(checkProof(proof, leafHashOf(Buffer.from('x')), [verifier])).toContain('not lead');
      }),
      { numRuns: 20 },
    );
  });

  test('of entries give back what was put in, and nothing where they are cut', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 70 }).map((it) => Buffer.from(it)));
    fc.assert(
      fc.property(entries, (all) => {
        const bundle = packBundle(all);
        expect(unpackBundle(bundle)).toEqual(all);
        const last = all.at(-1);
        if (last) expect(unpackBundle(bundle.subarray(0, -1))).toBeUndefined();
      }),
    );
    expect(unpackBundle(packBundle([Buffer.alloc(65_535, 1)]))?.[0]?.length).toBe(65_535);
    expect(() => packBundle([Buffer.alloc(65_536)])).toThrow();
  });
});

describe('a proof', () => {
  const leaf = leafHashOf(Buffer.from('only'));
  const checkpoint = signCheckpoint({ origin: 'o', size: 1, root: leaf }, [signer]);
  const text = writeProof({ index: 0, hashes: [], checkpoint });

  test('may have more in it that is not looked at', () => {
    const extra = text.replace('index', 'extra AAAA\nindex');
    expect(checkProof(extra, leaf, [verifier])).toMatchObject({ index: 0, size: 1 });
  });

  test.each([
    ['another first line', text.replace('@v1', '@v2')],
    ['no index', text.replace('index 0\n', '')],
    ['an index with a zero before it', text.replace('index 0', 'index 00')],
    ['a hash that is none', text.replace('index 0\n', 'index 0\nAAAA\n')],
    ['nothing after it', text.slice(0, text.indexOf('\n\n'))],
  ])('with %s is none', (_, changed) => {
    expect(readProof(changed)).toBeUndefined();
    expect(checkProof(changed, leaf, [verifier])).toBe('is no proof of a log');
  });

  test('of a checkpoint that nobody trusted signed is refused', () => {
    const other = readVerifier(makeKey('other').verifier);
    if (typeof other === 'string') throw new Error(other);
    expect(checkProof(text, leaf, [other])).toContain('signed by none');
  });
});
