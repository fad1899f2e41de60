import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TRANSITIONS } from '../session/session.machine.js';
import { NOTICE_KINDS, noticeRow, SUBSCRIBED_KINDS } from './notice.kinds.js';
import { noticeOf } from './notice.of.js';
import type { Subscription } from './subscription.js';
import { wants } from './subscription.js';

const ID = '0123456789abcdef';
const step = (event: string, to: string, from = 'new') =>
  noticeOf({ id: 7n, topic: 'session', sessionId: ID, payload: { event, from, to } });

/** Steps of which nobody else need hear. */
const UNTOLD = ['consent', 'retract', 'start', 'note', 'extend', 'unextend', 'retire', 'escalate'];

describe('the notice that news makes', () => {
  test.each([
    ['ask', 'pending', 'request.waiting'],
    ['widen', 'pending', 'request.waiting'],
    ['grant', 'approved', 'session.granted'],
    ['approve', 'approved', 'session.granted'],
    ['break-glass', 'approved', 'break-glass'],
    ['refuse', 'denied', 'session.denied'],
    ['deny', 'denied', 'session.denied'],
    ['run', 'active', 'session.started'],
    ['move', 'active', 'session.extended'],
    ['overrun', 'ending', 'session.overrun'],
    ['lapse', 'ended', 'session.lapsed'],
    ['withdraw', 'ended', 'session.ended'],
    ['finish', 'ended', 'session.ended'],
  ])('of the step %s to %s is %s', (event, to, kind) => {
    expect(step(event, to)?.kind).toBe(kind);
  });

  test('is there for every step of the session machine that lets in, keeps out, changes or ends', () => {
    for (const { from, event, to } of TRANSITIONS) {
      const isUntold = step(event, to, from) === undefined;
      expect(isUntold, `${event} to ${to}`).toBe(
        !(event === 'retract' && from === 'approved') &&
          to !== 'ended' &&
          (UNTOLD.includes(event) || (to === 'ending' && event !== 'overrun')),
      );
    }
  });

  test('asks again when a consent is taken back that had let somebody in', () => {
    expect(step('retract', 'pending', 'approved')?.kind).toBe('request.waiting');
    expect(step('retract', 'pending', 'pending')).toBeUndefined();
  });

  test('of one session is one thread, and its end closes the alarms that it raised', () => {
    const [broken, ended] = [step('break-glass', 'approved'), step('finish', 'ended')];
    expect(broken?.thread).toBe(ended?.thread);
    expect(ended?.closes).toContain(broken?.alarm);
    expect(step('overrun', 'ending')?.alarm).not.toBe(broken?.alarm);
    expect(ended?.closes).toContain(step('overrun', 'ending')?.alarm);
  });

  test('of an incident raises an alarm that its end, or the review, closes', () => {
    const incident = (event: string, key: string, state: string) =>
      noticeOf({
        id: 1n,
        topic: 'incident',
        sessionId: null,
        payload: { event, incident: key, state, details: {} },
      });
    const begun = incident('anchor.failing', 'anchor-vault', 'begun');
    expect(incident('anchor.recovered', 'anchor-vault', 'over')?.closes).toEqual([begun?.alarm]);
    const overdue = incident('review.overdue', `review-${ID}`, 'begun');
    const done = noticeOf({ id: 2n, topic: 'review', sessionId: ID, payload: {} });
    expect(done).toMatchObject({ kind: 'review.done', closes: [overdue?.alarm] });
  });

  test('raises an alarm just where the kind is to wake somebody', () => {
    const steps = TRANSITIONS.map(({ from, event, to }) => step(event, to, from));
    const bypass = noticeOf({ id: 1n, topic: 'bypass', sessionId: null, payload: {} });
    for (const notice of [...steps, bypass]) {
      if (!notice) continue;
      expect(notice.alarm !== null).toBe(noticeRow(notice.kind).urgency === 'wake');
    }
  });

  test('is made, or not, of whatever there is, without an error', () => {
    const news = fc.record({
      id: fc.bigInt({ min: 0n, max: 9n }),
      topic: fc.constantFrom('session', 'review', 'bypass', 'incident', 'test', '__proto__'),
      sessionId: fc.option(fc.string()),
      payload: fc.anything({ withNullPrototype: true }),
    });
    fc.assert(
      fc.property(news, (it) => {
        const notice = noticeOf(it);
        if (notice) expect(Object.keys(NOTICE_KINDS)).toContain(notice.kind);
      }),
    );
    for (const event of ['constructor', '__proto__', 'toString']) {
      expect(step(event, 'active')).toBeUndefined();
    }
  });
});

describe('a subscription', () => {
  const all: Subscription = {
    channel: 'box',
    events: SUBSCRIBED_KINDS,
    clusters: ['*'],
    namespaces: ['*'],
    autoGranted: false,
  };
  const here = { cluster: 'prod-1', namespace: 'payments', autoGranted: false };

  test('is for its events, clusters and namespaces only', () => {
    expect(wants(all, 'break-glass', here)).toBe(true);
    expect(wants({ ...all, events: ['bypass'] }, 'break-glass', here)).toBe(false);
    expect(wants({ ...all, clusters: ['prod-*'] }, 'break-glass', here)).toBe(true);
    expect(wants({ ...all, clusters: ['dev-*'] }, 'break-glass', here)).toBe(false);
    expect(wants({ ...all, namespaces: ['pay'] }, 'break-glass', here)).toBe(false);
  });

  test('hears of what happens in no cluster, whichever it names', () => {
    const nowhere = { cluster: null, namespace: null, autoGranted: false };
    expect(wants({ ...all, clusters: ['dev'], namespaces: ['x'] }, 'log.parted', nowhere)).toBe(
      true,
    );
  });

  test('is quiet of the ordinary life of what policy alone let in, and loud of the rest', () => {
    const auto = { ...here, autoGranted: true };
    const told = SUBSCRIBED_KINDS.filter((kind) => wants(all, kind, auto));
    expect(told).not.toContain('session.granted');
    expect(told).not.toContain('session.ended');
    expect(told).toEqual(expect.arrayContaining(['session.overrun', 'bypass', 'break-glass']));
    expect(SUBSCRIBED_KINDS.every((kind) => wants({ ...all, autoGranted: true }, kind, auto))).toBe(
      true,
    );
  });
});
