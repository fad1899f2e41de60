import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  etagOf,
  idempotencyKey,
  isKnown,
  requiredVersion,
  seenVersion,
} from './conditional.headers.js';
import { Refused } from './refused.error.js';

test('the ETag of any version is understood as that version', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999_999_999 }), (version) => {
      expect(requiredVersion(etagOf(version))).toBe(version);
      expect(isKnown(`"0", ${etagOf(version)}`, version)).toBe(true);
    }),
  );
});

test('whatever stands in If-Match, it names a version, none of ours, or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (header) => {
      try {
        expect(seenVersion(header)).toSatisfy((version: number) => version === -1 || version > 0);
      } catch (error) {
        expect(error).toBeInstanceOf(Refused);
      }
    }),
  );
});

test('a key is the same quoted and bare, with whatever visible characters', () => {
  const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(fc.string({ unit: visible, minLength: 1, maxLength: 255 }), (key) => {
      const quoted = `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
      expect(idempotencyKey(quoted)).toBe(key);
      if (!key.startsWith('"')) expect(idempotencyKey(key)).toBe(key);
    }),
  );
});
