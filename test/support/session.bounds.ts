import type { AskLimits } from '../../src/app/request-session.js';
import type { Bounds } from '../../src/domain/session/session.plan.js';

/** The bounds of sessions in tests: long enough that none passes while nobody sets a clock. */
export const BOUNDS = {
  startDeadlineSeconds: 60,
  pendingLapseSeconds: 3_600,
  approvedLapseSeconds: 900,
  checkSeconds: 5,
  startGraceSeconds: 5,
  handOverSeconds: 30,
  overrunSeconds: 60,
} as const satisfies Bounds;

/** What may be asked for within them. */
export const LIMITS = {
  ...BOUNDS,
  defaultDurationSeconds: 900,
  longestDurationSeconds: 14_400,
} as const satisfies AskLimits;
