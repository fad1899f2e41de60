import { base64Bytes } from './base64.js';
import type { Hash } from './merkle.tree.js';
import { HASH_BYTES } from './merkle.tree.js';
import type { SignerKey, VerifierKey } from './signed.note.js';
import { openNote, signNote } from './signed.note.js';

/** A log at one size: what a checkpoint (c2sp.org/tlog-checkpoint) says. */
export interface TreeHead {
  /** Which log: a URL without its scheme. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** A checkpoint, signed by each key. @throws where the origin cannot stand on a line of its own. */
export function signCheckpoint(
  { origin, size, root }: TreeHead,
  signers: readonly SignerKey[],
): string {
  if (origin === '' || origin.includes('\n')) throw new Error('an origin is one line');
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, signers);
}

/** @returns what a checkpoint says that one of the keys has signed, or what is wrong with it. */
export function openCheckpoint(
  note: string,
  verifiers: readonly VerifierKey[],
): (TreeHead & { readonly keys: readonly VerifierKey[] }) | string {
  const opened = openNote(note, verifiers);
  if (typeof opened === 'string') return opened;
  const head = readHead(opened.text);
  return head === undefined ? 'is no checkpoint of a log' : { ...head, keys: opened.keys };
}

/** What the text of a checkpoint says, whoever signed it. Lines that extend it are left out. */
export function readHead(text: string): TreeHead | undefined {
  const [origin = '', size = '', root = '', ...extension] = text.split('\n').slice(0, -1);
  const bytes = base64Bytes(root);
  const isSize = /^(0|[1-9][0-9]*)$/.test(size) && Number.isSafeInteger(Number(size));
  if (origin === '' || !isSize || bytes?.length !== HASH_BYTES || extension.includes(''))
    return undefined;
  return { origin, size: Number(size), root: bytes };
}
