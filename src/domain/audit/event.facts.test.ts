import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALEX, ROBIN, actorOf, grantOf, newSession } from '../../../test/support/sessions.js';
import { auditEntry } from './entry.js';
import type { AuditFacts } from './entry.js';
import { FACT_CHARACTERS_MAX, WORDS_CHARACTERS_MAX, eventFacts } from './event.facts.js';
import { EVENT_KINDS, isEventAction } from './event.kinds.js';

const AT = new Date('2026-03-01T10:00:00.123Z');
const POD = { podName: 'web-1', podUid: 'uid', nodeName: 'node-1' };
const plain = newSession({ pin: POD, grant: grantOf('hash') });
const SESSION = {
  ...plain,
  request: {
    ...plain.request,
    target: { kind: 'workload', workload: 'Deployment', name: 'web', pick: 'any-ready' },
    reason: 'The queue stands still',
    ticket: 'OPS-7',
    breakGlass: true,
  },
} as const;

const ACTIONS = Object.keys(EVENT_KINDS).filter(isEventAction);

const factsOf = (over: Partial<AuditFacts> = {}) =>
  eventFacts(
    auditEntry({
      at: AT,
      action: 'session.approve',
      outcome: 'success',
      actor: actorOf(ALEX),
      session: SESSION,
      ...over,
    }).body,
  );

describe('what an event is found by', () => {
  test.each(ACTIONS)('of %s: who, when, where, by which rule and why', (action) => {
    const data = { requester: { iss: ROBIN.iss, sub: ROBIN.sub }, comment: 'go on' };
    const { words, ...facts } = factsOf({ action, data });
    expect(facts).toEqual({
      action,
      at: AT,
      session: SESSION.id,
      outcome: 'success',
      person: { iss: ALEX.iss, sub: 'alex' },
      email: 'alex@example.com',
      isApproval: /consent|approve|deny|retract/.test(action),
      requester: 'robin',
      cluster: SESSION.request.cluster,
      namespace: SESSION.request.namespace,
      workload: 'Deployment/web',
      pod: 'web-1',
      image: null,
      rule: 'oncall',
      ticket: 'OPS-7',
      breakGlass: true,
    });
    for (const text of ['The queue stands still', 'OPS-7', 'go on']) expect(words).toContain(text);
  });

  test('has no person where the broker did it, and no session where it is about none', () => {
    const entry = auditEntry({
      at: AT,
      action: 'policy.refused',
      outcome: 'failure',
      actor: { kind: 'system', replica: 'one' },
      data: { errors: [{ deep: ['no such profile'] }] },
    });
    expect(eventFacts(entry.body)).toMatchObject({
      person: null,
      session: null,
      namespace: null,
      workload: null,
      outcome: 'failure',
      words: 'no such profile',
    });
  });

  test('is nothing for what is no event, and never an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const facts = eventFacts(Buffer.from(text));
        expect(facts.words.length).toBeLessThanOrEqual(WORDS_CHARACTERS_MAX);
      }),
    );
    expect(eventFacts(Buffer.alloc(0))).toMatchObject({ action: null, at: null, words: '' });
  });

  test('is bounded, and text that PostgreSQL takes', () => {
    const long = { action: `a\0${'😀'.repeat(400)}`, reason: 'x'.repeat(20_000) };
    const facts = eventFacts(Buffer.from(JSON.stringify(long)));
    expect(facts.action?.length).toBe(FACT_CHARACTERS_MAX);
    expect(facts.action?.isWellFormed()).toBe(true);
    expect(facts.action).not.toContain('\0');
    expect(facts.words.length).toBe(WORDS_CHARACTERS_MAX);
  });
});
