import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requirement } from '../../../test/support/policies.js';
import { grantOf, newSession } from '../../../test/support/sessions.js';
import { hasHeld, timesOf } from './container.record.js';
import type { Observation } from './observation.js';
import { isFinal, STATES } from './session.machine.js';
import { dueAt, dueEnding, judgeEnding, judgeLaunch, plan } from './session.plan.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const instant = fc
  .integer({ min: -7200, max: 7200 })
  .map((s) => new Date(NOW.getTime() + s * 1000));
const session = fc
  .record({
    state: fc.constantFrom(...STATES),
    lapsesAt: fc.option(instant),
    deadlineAt: fc.option(instant),
    startingAt: fc.option(instant),
    start: fc.constantFrom('on-approval' as const, 'manual' as const),
  })
  .map(({ start, ...over }) => {
    const base = newSession(over);
    return { ...base, request: { ...base.request, start } };
  });

const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.constant({ kind: 'pod-gone' as const, why: 'deleted' }),
  fc.record({ kind: fc.constant('absent' as const), podEnding: fc.boolean() }),
  fc.record({
    kind: fc.constant('waiting' as const),
    reason: fc.constantFrom('', 'ContainerCreating', 'ErrImagePull', 'ImagePullBackOff', 'Odd'),
    message: fc.constantFrom('', 'told'),
    podEnding: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('running' as const),
    startedAt: instant,
    imageId: fc.constant('sha256:x'),
    podEnding: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('terminated' as const),
    podEnding: fc.boolean(),
    exitCode: fc.integer({ min: 0, max: 255 }),
    reason: fc.constantFrom('Completed', 'Error', 'StartError'),
    message: fc.constantFrom('', 'told'),
    imageId: fc.constant('sha256:x'),
    startedAt: fc.option(instant),
    finishedAt: fc.option(instant),
  }),
);

describe('what the broker does of its own accord', () => {
  test('is known for every state, and nothing once the session is over', () => {
    fc.assert(
      fc.property(session, instant, (it, now) => {
        const step = plan(it, now);
        if (isFinal(it.state)) expect(step).toEqual({ do: 'nothing' });
        else if (it.state !== 'pending' && it.state !== 'approved') {
          // Whatever has or may have a container is never left alone.
          expect(['launch', 'check', 'expire', 'finish']).toContain(step.do);
        }
      }),
    );
  });

  test('never waits for what is past, and is due exactly when it says', () => {
    fc.assert(
      fc.property(session, instant, (it, now) => {
        const step = plan(it, now);
        const due = dueAt(it, now);
        if (step.do === 'wait') {
          expect(step.until.getTime()).toBeGreaterThan(now.getTime());
          expect(plan(it, step.until).do).not.toBe('wait');
        }
        expect(due === null).toBe(step.do === 'nothing');
      }),
    );
  });

  test('a pending session past its time lapses and is never started', () => {
    fc.assert(
      fc.property(session, instant, (it, now) => {
        fc.pre(it.state === 'pending' || it.state === 'approved');
        const isPast = it.lapsesAt !== null && it.lapsesAt <= now;
        expect(plan(it, now).do === 'lapse').toBe(isPast);
        if (it.state === 'pending') expect(plan(it, now).do).not.toBe('start');
      }),
    );
  });

  test('more people are asked once, at their time, of what is pending and has not lapsed', () => {
    const grant = grantOf('0', requirement(1, 'leads'));
    const escalation = fc.option(
      fc.record({
        groups: fc.constant(['managers']),
        users: fc.constant([]),
        afterSeconds: fc.integer({ min: 0, max: 7200 }),
      }),
    );
    fc.assert(
      fc.property(
        session,
        escalation,
        fc.option(instant),
        instant,
        (base, late, escalatedAt, now) => {
          const approvals = { ...grant.terms.approvals, escalation: late };
          const terms = { ...grant.terms, approvals };
          const it = { ...base, createdAt: NOW, escalatedAt, grant: { ...grant, terms } };
          const isLate = late !== null && now.getTime() >= NOW.getTime() + late.afterSeconds * 1000;
          const isLapsed = it.lapsesAt !== null && it.lapsesAt <= now;
          expect(plan(it, now).do === 'widen').toBe(
            it.state === 'pending' && escalatedAt === null && isLate && !isLapsed,
          );
          const step = plan(it, now);
          if (step.do === 'wait') {
            const before = new Date(step.until.getTime() - 1);
            if (before > now) expect(plan(it, before)).toEqual(step);
            expect(plan(it, step.until).do).not.toBe('wait');
          }
        },
      ),
    );
  });

  test('an active session past its deadline expires, at that very instant', () => {
    const it = newSession({ state: 'active', deadlineAt: NOW });
    expect(plan(it, NOW)).toEqual({ do: 'expire' });
    expect(plan(it, new Date(NOW.getTime() - 1))).toEqual({ do: 'check' });
  });
});

describe('a start', () => {
  test('is judged for all that the cluster can say, and not put off beyond its deadline', () => {
    fc.assert(
      fc.property(observation, instant, (seen, startBy) => {
        const verdict = judgeLaunch(seen, startBy, NOW);
        if (NOW >= startBy) expect(verdict.kind).not.toBe('not-yet');
        if (verdict.kind === 'failed') expect(verdict.reason).not.toBe('');
        const started =
          seen.kind === 'running' || (seen.kind === 'terminated' && hasHeld(seen, startBy));
        expect(verdict.kind === 'started').toBe(started);
      }),
    );
  });
});

describe('an ending', () => {
  test('is ended only where nothing runs', () => {
    fc.assert(
      fc.property(observation, session, fc.integer({ min: 0, max: 600 }), (seen, it, grace) => {
        const verdict = judgeEnding(seen, it, NOW, grace);
        if (seen.kind === 'running') expect(verdict.kind).toBe('alive');
        if (seen.kind === 'terminated' || seen.kind === 'pod-gone') {
          expect(verdict.kind).toBe('ended');
        }
        if (verdict.kind === 'ended') expect(verdict.detail).not.toBe('');
      }),
    );
  });

  test('waits for a container that may still start, until it would exit at once', () => {
    const startBy = NOW;
    const it = newSession({ state: 'ending', container: { name: 'c', image: 'i', startBy } });
    const absent = { kind: 'absent', podEnding: false } as const;
    const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
    expect(judgeEnding(absent, it, at(59), 60).kind).toBe('not-yet');
    expect(judgeEnding(absent, it, at(60), 60).kind).toBe('ended');
  });

  test('does not say of a container that ran that it never started', () => {
    const container = { name: 'c', image: 'i', startBy: NOW };
    const it = newSession({ state: 'ending', container, startedAt: NOW });
    const later = new Date(NOW.getTime() + 60_000);
    for (const seen of [
      { kind: 'absent', podEnding: false },
      { kind: 'waiting', reason: '', message: '', podEnding: false },
    ] as const) {
      const verdict = judgeEnding(seen, it, later, 60);
      expect(verdict).toMatchObject({ kind: 'ended', detail: expect.not.stringMatching(/never/) });
    }
  });

  test('begins with the gentlest way, goes on to KILL, and never gives up', () => {
    expect(dueEnding(0, 0)).toBe('line');
    expect(dueEnding(0, 1)).toBeUndefined();
    expect(dueEnding(3, 1)).toBe('term');
    expect(dueEnding(2.9, 2)).toBeUndefined();
    expect(dueEnding(3, 2)).toBe('kill');
    for (let tries = 3; tries < 2_000; tries++) expect(dueEnding(300, tries)).toBe('kill');
  });

  test('leaves each way time to work, and the later ones ever more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), (tries) => {
        expect(dueEnding(2.9, tries)).toBeUndefined();
        if (tries >= 8) expect(dueEnding(299, tries)).toBeUndefined();
      }),
    );
  });
});

describe('a deadline', () => {
  test('is the duration after the start, whatever the clock of the node says', () => {
    fc.assert(
      fc.property(session, instant, (it, startedAt) => {
        const times = timesOf(it, startedAt, NOW);
        const deadline = times.deadlineAt.getTime();
        const durationMs = it.request.durationSeconds * 1000;
        const startingAt = it.startingAt?.getTime() ?? -Infinity;
        expect(deadline - times.startedAt.getTime()).toBe(durationMs);
        expect(deadline).toBeLessThanOrEqual(NOW.getTime() + durationMs);
        if (startingAt <= NOW.getTime()) {
          expect(deadline).toBeGreaterThanOrEqual(startingAt + durationMs);
        }
      }),
    );
  });
});
