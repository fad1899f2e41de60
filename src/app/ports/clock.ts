/** The time. Replaced in tests that must choose it. */
export abstract class Clock {
  abstract now(): Date;
}
