import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newSession } from '../../../test/support/sessions.js';
import type { Actor } from '../person.js';
import { traceparentOf } from '../traceparent.js';
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

  test('says which account in Slack somebody acted by, and nothing of that where they did not', () => {
    const person = { iss: 'https://id.example', sub: 'kim', groups: [] };
    const actor = { kind: 'person', person, signIn: {}, channel: 'slack' } as const;
    const slack = { teamId: 'T1', userId: 'U1' };
    const bodyOf = (by: Actor) =>
      z.looseObject({}).parse(JSON.parse(auditEntry({ ...facts(''), actor: by }).body.toString()));
    expect(bodyOf({ ...actor, slack, requestId: 'r-1' })).toMatchObject({
      schema: '1.3',
      actor: { channel: 'slack', request: 'r-1', slack: { team: 'T1', user: 'U1' } },
    });
    expect(bodyOf(actor)['actor']).not.toHaveProperty('slack');
  });

  test('says in which trace it happened: the request’s, and of what the broker does by itself the session’s', () => {
    const own = traceparentOf({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true });
    const asked = traceparentOf({
      traceId: 'c'.repeat(32),
      spanId: 'd'.repeat(16),
      isSampled: false,
    });
    const person = { iss: 'https://id.example', sub: 'kim', groups: [] };
    const kim = { kind: 'person', person, signIn: {}, channel: 'api' } as const;
    const session = newSession({ traceparent: asked });
    const told = (actor: Actor, of = session) => {
      const { body, leafHash } = auditEntry({ ...facts(''), actor, session: of });
      expect(leafHash).toEqual(leafHashOf(body));
      return z.looseObject({}).parse(JSON.parse(body.toString()))['traceparent'];
    };
    expect(told({ ...kim, traceparent: own })).toBe(own);
    // By its end it is found: no member may come after it.
    const { body } = auditEntry({ ...facts(''), actor: { ...kim, traceparent: own }, session });
    expect(body.toString()).toMatch(new RegExp(`,"traceparent":"${own}"}$`));
    expect(told(kim)).toBeUndefined();
    expect(told(facts('').actor)).toBe(asked);
    expect(told(facts('').actor, newSession())).toBeUndefined();
  });

  test('is made of no half characters', () => {
    expect(() => auditEntry(facts('\ud800'))).toThrow('lone surrogate');
  });
});
