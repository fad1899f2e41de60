import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newSession } from '../../../test/support/sessions.js';
import { corrections, hasHeld, reasonOfEnd } from './container.record.js';
import type { Terminated } from './observation.js';

const START_BY = new Date('2026-01-01T12:00:00Z');
const at = (seconds: number) => new Date(START_BY.getTime() + seconds * 1000);

function ended(from: number | null, to: number | null, exitCode: number): Terminated {
  return {
    kind: 'terminated',
    podEnding: false,
    exitCode,
    reason: 'Error',
    message: '',
    imageId: '',
    startedAt: from === null ? null : at(from),
    finishedAt: to === null ? null : at(to),
  };
}

describe('a container that has terminated', () => {
  test.each([
    ['ended by KILL in its first second', ended(-30, -30, 137), true],
    ['whose input was closed', ended(-30, -29, 74), true],
    ['ended by a line in its first second', ended(-30, -29, 0), true],
    ['that lasted', ended(-30, 300, 1), true],
    ['that began in its very last second, and lasted', ended(0, 300, 0), true],
    ['whose record is incomplete', ended(-30, null, 0), false],
  ])('%s: held is %s', (_, seen, held) => {
    expect(hasHeld(seen, START_BY)).toBe(held);
  });

  test.each([
    ['never started', ended(null, -30, 128)],
    ['started too late', ended(1, 1, 0)],
    ['started too late, over the turn of a second', ended(0, 1, 0)],
    ['lacks what the timer needs', ended(-30, -30, 69)],
    ['lacks it, over the turn of a second', ended(-30, -29, 69)],
    ['was given nonsense', ended(-30, -30, 64)],
    ['has no such program', ended(-30, -30, 127)],
    ['is of a shell that is none', ended(-30, -29, 1)],
  ])('held nothing where it %s', (_, seen) => {
    expect(hasHeld(seen, START_BY)).toBe(false);
  });

  test('ended for the same reason whenever it is looked at, where the cluster tells its times', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.nat(10_000), fc.nat(10_000), (lasted, one, other) => {
        const session = newSession({ startedAt: at(0), deadlineAt: at(600) });
        const seen = ended(0, lasted, 0);
        const why = reasonOfEnd(session, seen, at(one));
        expect(reasonOfEnd(session, seen, at(other))).toEqual(why);
        expect(why.endReason).toBe(lasted >= 598 ? 'deadline' : 'left');
      }),
    );
  });

  test('changes nothing of what people said about its end, and never hides that it ran', () => {
    const container = { name: 'c', image: 'i', startBy: START_BY };
    for (const endReason of ['withdrawn', 'revoked', 'left'] as const) {
      const session = newSession({ state: 'ending', container, endReason, startingAt: at(-40) });
      const seen = ended(-30, 600, 0);
      const changes = corrections(session, seen, { now: at(900), foundAlive: false });
      expect(changes).toEqual({ startedAt: at(-30) });
    }
  });
});
