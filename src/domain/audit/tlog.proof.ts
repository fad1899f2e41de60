import { base64Bytes } from './base64.js';
import type { Hash } from './merkle.tree.js';
import { HASH_BYTES, isIncluded } from './merkle.tree.js';
import { openCheckpoint } from './checkpoint.js';
import type { TreeHead } from './checkpoint.js';
import type { VerifierKey } from './signed.note.js';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves is no higher. */
const HASHES_MAX = 53;

/** That an entry is in a log, for those who are offline (c2sp.org/tlog-proof). */
export interface LogProof {
  readonly index: number;
  readonly hashes: readonly Hash[];
  /** A signed note. */
  readonly checkpoint: string;
}

/** As a text, for a file with the ending `.tlog-proof`. */
export function writeProof({ index, hashes, checkpoint }: LogProof): string {
  const lines = hashes.map((it) => `${it.toString('base64')}\n`).join('');
  return `${FIRST_LINE}\nindex ${index}\n${lines}\n${checkpoint}`;
}

/** @returns what the text says, unchecked; undefined where it is none. What it adds as `extra` is left out. */
export function readProof(text: string): LogProof | undefined {
  const blank = text.indexOf('\n\n');
  if (blank < 0) return undefined;
  const lines = text.slice(0, blank).split('\n');
  if (lines.shift() !== FIRST_LINE) return undefined;
  if (lines[0]?.startsWith('extra ')) lines.shift();
  const [, index = ''] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '') ?? [];
  const hashes = lines.flatMap((line) => base64Bytes(line) ?? []);
  const areHashes =
    hashes.length === lines.length && hashes.every((it) => it.length === HASH_BYTES);
  if (index === '' || !areHashes || hashes.length > HASHES_MAX) return undefined;
  return { index: Number(index), hashes, checkpoint: text.slice(blank + 2) };
}

/** @returns the log that the proof shows the leaf to be in, or what is wrong with it. */
export function checkProof(
  text: string,
  leaf: Hash,
  verifiers: readonly VerifierKey[],
): (TreeHead & { readonly index: number }) | string {
  const proof = readProof(text);
  if (proof === undefined) return 'is no proof of a log';
  const head = openCheckpoint(proof.checkpoint, verifiers);
  if (typeof head === 'string') return `has a checkpoint that ${head}`;
  const { index, hashes } = proof;
  return isIncluded({ leaf, index, size: head.size, root: head.root, proof: hashes })
    ? { ...head, index }
    : 'does not lead from this entry to the root of its checkpoint';
}
