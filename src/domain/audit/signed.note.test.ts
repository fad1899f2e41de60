import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeKey, openNote, readSigner, readVerifier, signNote } from './signed.note.js';

/** The key and the note in the documentation of golang.org/x/mod/sumdb/note. */
const SIGNER = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const VERIFIER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT =
  'If you think cryptography is the answer to your problem,\nthen you don’t know what your problem is.\n'.replace(
    '’',
    "'",
  );
const NOTE = `${TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

function signer(text: string) {
  const key = readSigner(text);
  if (typeof key === 'string') throw new Error(key);
  return key;
}

function verifier(text: string) {
  const key = readVerifier(text);
  if (typeof key === 'string') throw new Error(key);
  return key;
}

describe('a signed note', () => {
  test('is what Go makes of the same text and key', () => {
    expect(signer(SIGNER).verifier.text).toBe(VERIFIER);
    expect(signNote(TEXT, [signer(SIGNER)])).toBe(NOTE);
    expect(openNote(NOTE, [verifier(VERIFIER)])).toMatchObject({ text: TEXT });
  });

  test('is opened with any key that signed it, in whatever order, and tells which did', () => {
    const [old, next, other] = ['log', 'log', 'other'].map((name) => makeKey(name));
    if (!old || !next || !other) throw new Error('three keys');
    const note = signNote('one\n\ntwo\n', [signer(old.signer), signer(next.signer)]);
    for (const key of [old, next]) {
      const opened = openNote(note, [verifier(other.verifier), verifier(key.verifier)]);
      expect(opened).toMatchObject({ text: 'one\n\ntwo\n', keys: [{ text: key.verifier }] });
    }
    expect(openNote(note, [verifier(next.verifier), verifier(old.verifier)])).toMatchObject({
      keys: [{ text: old.verifier }, { text: next.verifier }],
    });
    expect(openNote(note, [verifier(other.verifier)])).toBe(
      'is signed by none of the keys that are trusted',
    );
  });

  test('is not opened where a trusted key’s signature is false, whoever else signed', () => {
    const keys = [makeKey('a'), makeKey('b')];
    const verifiers = keys.map((key) => verifier(key.verifier));
    const [one, two] = keys.map((key) => signNote('text\n', [signer(key.signer)]));
    const [, forged] = keys.map((key) => signNote('another\n', [signer(key.signer)]));
    const line = (note = '') => note.slice(note.lastIndexOf('\n\n') + 2);
    expect(openNote(`text\n\n${line(one)}${line(two)}`, verifiers)).toMatchObject({
      text: 'text\n',
    });
    expect(openNote(`text\n\n${line(one)}${line(forged)}`, verifiers)).toContain(
      'has a false signature of b',
    );
  });

  test('is not opened after any change of its text or its signature', () => {
    const key = [verifier(VERIFIER)];
    fc.assert(
      fc.property(
        fc.nat(NOTE.length - 1),
        fc.string({ unit: 'binary', maxLength: 1 }),
        (at, by) => {
          const changed = NOTE.slice(0, at) + by + NOTE.slice(at + 1);
          expect(changed === NOTE || typeof openNote(changed, key) === 'string').toBe(true);
        },
      ),
    );
  });

  test.each([
    ['nothing', ''],
    ['no signature', 'text\n\n'],
    ['no empty line', NOTE.replace('\n\n', '\n')],
    ['no last line end', NOTE.slice(0, -1)],
    ['a hyphen for the dash', NOTE.replace('—', '-')],
    ['a control character', NOTE.replace('If', 'I\tf')],
    ['another base64', NOTE.replace('AM=', 'AM')],
    ['very many signatures', NOTE + NOTE.slice(NOTE.indexOf('—')).repeat(100)],
  ])('is not one with %s', (_, note) => {
    expect(openNote(note, [verifier(VERIFIER)])).toBe('is no signed note');
  });

  test.each(['text', 'a\u0000b\n', '\ud800\n', ''])('is not made of %j', (text) => {
    expect(() => signNote(text, [signer(SIGNER)])).toThrow('cannot be signed');
  });
});

describe('a key', () => {
  test.each([
    ['another name', VERIFIER.replace('Peter', 'Petra')],
    ['another id', VERIFIER.replace('c74f20a3', 'c74f20a4')],
    ['another algorithm', VERIFIER.replace('+AR', '+BR')],
    ['too short', VERIFIER.slice(0, -4)],
    ['no base64', `${VERIFIER}!`],
    ['an empty name', VERIFIER.replace('PeterNeumann', '')],
    ['a name with a space', VERIFIER.replace('PeterNeumann', 'Peter Neumann')],
  ])('is refused with %s', (_, text) => {
    expect(typeof readVerifier(text)).toBe('string');
  });

  test('that signs is not told where its text is refused', () => {
    const secret = SIGNER.slice(-20);
    const refused = [SIGNER.replace('c74f20a3', 'c74f20a4'), SIGNER.slice(8), `${SIGNER}=`];
    for (const text of refused) {
      const told = readSigner(text);
      expect(typeof told).toBe('string');
      expect(JSON.stringify(told)).not.toContain(secret);
    }
  });

  test('has no name that cannot stand in a note', () => {
    for (const name of ['', 'a b', 'a+b', 'a\nb', 'a\u00a0b']) {
      expect(() => makeKey(name)).toThrow('the name of a key');
    }
  });
});
