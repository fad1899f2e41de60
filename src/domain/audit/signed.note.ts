import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, hash, randomBytes, sign, verify } from 'node:crypto';
import { base64Bytes } from './base64.js';

/**
 * Signed notes (c2sp.org/signed-note) with Ed25519, and their keys in the text forms of Go's
 * `golang.org/x/mod/sumdb/note`: `name+keyID+base64` for verifiers, `PRIVATE+KEY+name+keyID+base64` for signers.
 */

const ED25519 = 1;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const ID_BYTES = 4;
/** The specification asks for 16 at least. */
const SIGNATURES_MAX = 64;
/** DER before the 32 bytes of a key (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const NAME = /^[^\s+\p{Z}\p{Cc}]+$/u;
const SIGNATURE_LINE = /^— (\S+) (\S+)$/u;

export interface VerifierKey {
  readonly name: string;
  /** As eight hexadecimal digits. */
  readonly id: string;
  /** As it is given to verifiers: `name+keyID+base64`. */
  readonly text: string;
  readonly publicKey: KeyObject;
}

/** What signs. Its private key never leaves {@link signNote}. */
export interface SignerKey {
  readonly verifier: VerifierKey;
  readonly privateKey: KeyObject;
}

/** Makes a key. @throws where the name is empty, or has spaces, control characters or a plus. */
export function makeKey(name: string): { readonly signer: string; readonly verifier: string } {
  const seed = randomBytes(KEY_BYTES);
  const { verifier } = signerOf(name, seed);
  const secret = Buffer.concat([Buffer.of(ED25519), seed]).toString('base64');
  return { signer: `PRIVATE+KEY+${name}+${verifier.id}+${secret}`, verifier: verifier.text };
}

/** @returns the key, or what is wrong with its text, without any of it. */
export function readSigner(text: string): SignerKey | string {
  const prefix = 'PRIVATE+KEY+';
  if (!text.startsWith(prefix)) return `must begin with ${prefix}`;
  const parts = readKey(text.slice(prefix.length));
  if (typeof parts === 'string') return parts;
  const signer = signerOf(parts.name, parts.key);
  return signer.verifier.id === parts.id ? signer : 'has a key id that is not of this name and key';
}

/** @returns the key, or what is wrong with its text. */
export function readVerifier(text: string): VerifierKey | string {
  const parts = readKey(text);
  if (typeof parts === 'string') return parts;
  const verifier = verifierOf(parts.name, parts.key);
  return verifier.id === parts.id ? verifier : 'has a key id that is not of this name and key';
}

function readKey(text: string): { name: string; id: string; key: Buffer } | string {
  // Base64 may have a plus, names and ids have none.
  const [, name = '', id = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  if (!NAME.test(name)) return 'must be of the form name+keyID+base64';
  const bytes = base64Bytes(encoded);
  if (bytes?.[0] !== ED25519 || bytes.length !== KEY_BYTES + 1) {
    return 'must be an Ed25519 key: 33 bytes in base64, of which the first is 1';
  }
  return { name, id, key: bytes.subarray(1) };
}

function signerOf(name: string, seed: Buffer): SignerKey {
  const der = Buffer.concat([PKCS8, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { verifier: verifierOf(name, spki.subarray(SPKI.length)), privateKey };
}

function verifierOf(name: string, key: Buffer): VerifierKey {
  if (!NAME.test(name))
    throw new Error('the name of a key has no spaces, control characters or plus');
  const encoded = Buffer.concat([Buffer.of(ED25519), key]);
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer')
    .subarray(0, ID_BYTES)
    .toString('hex');
  const der = Buffer.concat([SPKI, key]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return { name, id, text: `${name}+${id}+${encoded.toString('base64')}`, publicKey };
}

/**
 * The note of a text with the signature of each key.
 *
 * @throws where the text does not end a line, has control characters, or is no Unicode.
 */
export function signNote(text: string, signers: readonly SignerKey[]): string {
  if (!isNoteText(text)) throw new Error('such a text cannot be signed as a note');
  const lines = signers.map(({ verifier: { name, id }, privateKey }) => {
    const signature = sign(null, Buffer.from(text), privateKey);
    return `— ${name} ${Buffer.concat([Buffer.from(id, 'hex'), signature]).toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * The text of a note that one of the keys has signed, and the keys that have. Signatures of other keys are left out.
 *
 * @returns what is wrong where it is no note, where a signature of one of the keys is false, or where there is none.
 */
export function openNote(
  note: string,
  verifiers: readonly VerifierKey[],
): { readonly text: string; readonly keys: readonly VerifierKey[] } | string {
  const parts = splitNote(note);
  if (parts === undefined) return 'is no signed note';
  const keys: VerifierKey[] = [];
  for (const { name, signature } of parts.signatures) {
    const id = signature.subarray(0, ID_BYTES).toString('hex');
    const key = verifiers.find((it) => it.name === name && it.id === id);
    if (key === undefined || keys.includes(key)) continue;
    const bytes = signature.subarray(ID_BYTES);
    const isTrue =
      bytes.length === SIGNATURE_BYTES &&
      verify(null, Buffer.from(parts.text), key.publicKey, bytes);
    if (!isTrue) return `has a false signature of ${name} (${id})`;
    keys.push(key);
  }
  return keys.length === 0 ? 'is signed by none of the keys that are trusted' : { ...parts, keys };
}

/** The text of a note, whoever signed it: what is before its last empty line. Undefined where there is none. */
export function noteText(note: string): string | undefined {
  const blank = note.lastIndexOf('\n\n');
  return blank < 0 ? undefined : note.slice(0, blank + 1);
}

function splitNote(
  note: string,
): { text: string; signatures: { name: string; signature: Buffer }[] } | undefined {
  const text = noteText(note);
  if (text === undefined || !note.endsWith('\n')) return undefined;
  const lines = note.slice(text.length + 1, -1).split('\n');
  if (!isNoteText(text) || lines.length > SIGNATURES_MAX) return undefined;
  const signatures = lines.flatMap((line) => {
    const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const signature = base64Bytes(encoded);
    return NAME.test(name) && signature && signature.length > ID_BYTES ? [{ name, signature }] : [];
  });
  return signatures.length === lines.length ? { text, signatures } : undefined;
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}
