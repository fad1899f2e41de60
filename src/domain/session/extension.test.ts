import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TERMS } from '../../../test/support/policies.js';
import { grantOf, newSession } from '../../../test/support/sessions.js';
import { isProblem } from '../problem.js';
import { timesOfExtension } from './container.record.js';
import { containerName } from './debug-container.js';
import { extensionOf, leaving, mayBeExtended, whyNotExtended } from './extension.js';
import { plan } from './session.plan.js';
import type { Session } from './session.js';

const AT = new Date('2026-01-01T12:00:00.400Z');
const LONGEST = { longestSeconds: 14_400 };
const inSeconds = (seconds: number, from = AT) => new Date(from.getTime() + seconds * 1000);

function active(leftSeconds: number, over: Partial<Session> = {}): Session {
  const grant = grantOf('a'.repeat(64));
  return newSession({
    state: 'active',
    grant: { ...grant, terms: { ...TERMS, extension: { times: 2, longestSeconds: 900 } } },
    container: { name: 'hallpass-x', image: 'i', startBy: AT, imageId: 'sha256:x' },
    startedAt: inSeconds(-60),
    deadlineAt: inSeconds(leftSeconds),
    ...over,
  });
}

const whyNot = (session: Session, seconds: number): string => {
  const refusal = whyNotExtended(session, seconds, { now: AT, ...LONGEST });
  return refusal === undefined ? 'nothing' : `${refusal.problem}: ${refusal.detail}`;
};

describe('what speaks against an extension', () => {
  test.each([
    ['nothing, where it is longer than what is left', active(300), 301, /^nothing$/],
    ['that as much is left', active(300), 300, /invalid-fields: .*must be more than 300/],
    ['the longest of the terms', active(300), 901, /invalid-fields: .*900 or less: the terms/],
    ['the number of times', active(300, { extensions: 2 }), 600, /extension-refused: .*\(2\)/],
    ['terms without extension', active(300, { grant: grantOf('h') }), 600, /extension-refused/],
    ['that no time is left', active(1), 600, /illegal-transition: The time .* is up/],
    [
      'that one is under way',
      active(300, extensionOf(active(300), 600, { at: AT, startDeadlineSeconds: 60 })),
      600,
      /illegal-transition: .*at this moment/,
    ],
  ])('%s', (_, session, seconds, expected) => {
    expect(whyNot(session, seconds)).toMatch(expected);
  });

  test('the longest of the configuration', () => {
    const refusal = whyNotExtended(active(30), 600, { now: AT, longestSeconds: 599 });
    expect(refusal?.errors?.[0]).toMatchObject({ path: '/durationSeconds' });
  });
});

describe('the container of an extension', () => {
  const asked = fc.record({
    leftMs: fc.integer({ min: 1_001, max: 600_000 }),
    durationSeconds: fc.integer({ min: 1, max: 900 }),
    startDeadlineSeconds: fc.integer({ min: 1, max: 600 }),
    kubernetesSaysMs: fc.integer({ min: -100_000, max: 700_000 }),
    seenAfterMs: fc.nat(600_000),
  });

  test('starts before the deadline of the one before, and holds to a later one that is its own', () => {
    fc.assert(
      fc.property(asked, (it) => {
        const session = active(it.leftMs / 1000);
        const deadlineAt = session.deadlineAt ?? AT;
        if (whyNotExtended(session, it.durationSeconds, { now: AT, ...LONGEST })) return;
        const { extension } = extensionOf(session, it.durationSeconds, {
          at: AT,
          startDeadlineSeconds: it.startDeadlineSeconds,
        });
        if (!extension) throw new Error('it has one');
        expect(extension.container.startBy.getTime()).toBeLessThanOrEqual(deadlineAt.getTime());
        expect(extension.container.startBy.getTime()).toBeGreaterThan(AT.getTime() - 1000);

        const now = inSeconds(it.seenAfterMs / 1000);
        const times = timesOfExtension(extension, inSeconds(it.kubernetesSaysMs / 1000), now);
        expect(times.deadlineAt > deadlineAt).toBe(true);
        // Never later than it could have been, had it started when it was seen.
        expect(times.deadlineAt <= inSeconds(it.durationSeconds, now)).toBe(true);
      }),
    );
  });

  test('has a name that none had before it, and that fits', () => {
    const names = [0, 1, 2, 99].map((nth) => containerName({ id: newSession().id }, nth));
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^[a-z0-9-]{1,63}$/.test(name))).toBe(true);
    const session = active(300, { extensions: 1 });
    const { extension, extensions } = extensionOf(session, 600, {
      at: AT,
      startDeadlineSeconds: 60,
    });
    expect(extension?.container.name).toBe(`hallpass-${session.id}-3`);
    expect(extensions).toBe(2);
  });

  test('is never one more than the terms allow, whatever was asked and whatever became of it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.boolean())), (wishes) => {
        let session = active(300);
        const names: string[] = [];
        for (const [seconds, isMoved] of wishes) {
          const refusal = whyNotExtended(session, seconds, { now: AT, ...LONGEST });
          expect(isProblem(refusal) || mayBeExtended(session)).toBe(true);
          if (refusal) continue;
          const changes = extensionOf(session, seconds, { at: AT, startDeadlineSeconds: 60 });
          const { container } = changes.extension ?? {};
          if (!container) throw new Error('it has one');
          names.push(container.name);
          session = isMoved
            ? { ...session, ...changes, container, deadlineAt: inSeconds(seconds), extension: null }
            : { ...session, ...changes, extension: null };
        }
        expect(names.length).toBeLessThanOrEqual(2);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });
});

describe('what there is to do about an active session', () => {
  const former = leaving(active(300), inSeconds(30));
  test.each([
    ['with an extension under way', { extension: {} as Session['extension'] }, 0, 'extend'],
    ['that has moved, while terminals move', { formerContainers: former }, 29, 'check'],
    ['that has moved, and left a container', { formerContainers: former }, 30, 'retire'],
    ['whose deadline comes before all of that', { formerContainers: former }, 300, 'expire'],
    ['alone', {}, 0, 'check'],
  ])('%s', (_, over, seconds, what) => {
    expect(plan(active(300, over), inSeconds(seconds)).do).toBe(what);
  });

  test('a container is left alone no longer than it may hold', () => {
    expect(leaving(active(10), inSeconds(30))[0]?.endFrom).toEqual(inSeconds(10));
  });
});
