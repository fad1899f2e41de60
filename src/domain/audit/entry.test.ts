import { describe, expect, test } from 'vitest';
import { auditEntry, BODY_BYTES_MAX } from './entry.js';
import { leafHashOf } from './merkle.tree.js';
import { packBundle, unpackBundle } from './tlog.tiles.js';

const facts = (text: string) =>
  ({
    at: new Date('2026-11-28T10:00:00.000Z'),
    action: 'session.note',
    outcome: 'success',
    actor: { kind: 'system', replica: 'broker-1' },
    data: { text },
  }) as const;
const ROOM = BODY_BYTES_MAX - auditEntry(facts('')).body.length;

describe('the body of an event', () => {
  test.each([
    ['letters of a byte', 'x'.repeat(ROOM)],
    [
      'letters of three bytes',
      '€'.repeat(Math.floor(ROOM / 3)).padEnd(Math.floor(ROOM / 3) + (ROOM % 3), 'x'),
    ],
    [
      'what is escaped',
      '\n'.repeat(Math.floor(ROOM / 2)).padEnd(Math.floor(ROOM / 2) + (ROOM % 2), 'x'),
    ],
  ])('may be of 65,535 bytes, and of none more: %s', (_, text) => {
    const { body, leafHash } = auditEntry(facts(text));
    expect(body).toHaveLength(65_535);
    // Its length is a uint16 where the log is read.
    expect(unpackBundle(packBundle([body]))).toEqual([body]);
    expect(leafHash).toEqual(leafHashOf(body));
    expect(() => auditEntry(facts(`${text}x`))).toThrow('65536 bytes is too large');
  });

  test('is made of no half characters', () => {
    expect(() => auditEntry(facts('\ud800'))).toThrow('lone surrogate');
  });
});
