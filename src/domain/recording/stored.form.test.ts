import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CutOff, packPart, unpackParts } from './stored.form.js';

async function* inBits(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  await Promise.resolve();
}

async function unpacked(bytes: Buffer, size: number, max = 1_000): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of unpackParts(inBits(bytes, size), max)) parts.push(Buffer.from(part));
  return parts;
}

const PARTS = fc.array(fc.uint8Array({ maxLength: 40 }).map((it) => Buffer.from(it)));
const SIZE = fc.integer({ min: 1, max: 60 });

describe('parts of a recording', () => {
  test('are what they were, in whatever bits they come', () =>
    fc.assert(
      fc.asyncProperty(PARTS, SIZE, async (parts, size) => {
        expect(await unpacked(Buffer.concat(parts.map(packPart)), size)).toEqual(parts);
      }),
    ));

  test('are never fewer without a word: what ends amid one is cut off', () =>
    fc.assert(
      fc.asyncProperty(PARTS, SIZE, fc.integer({ min: 1, max: 43 }), async (parts, size, short) => {
        const last = packPart(Buffer.alloc(40));
        const bytes = Buffer.concat([...parts.map(packPart), last.subarray(0, 44 - short)]);
        await expect(unpacked(bytes, size)).rejects.toThrow(CutOff);
      }),
    ));

  test('are bounded: one that says it is larger is not waited for', async () => {
    const endless = packPart(Buffer.alloc(1_001)).subarray(0, 5);
    await expect(unpacked(endless, 5)).rejects.toThrow('too large');
  });
});
