/** One entry of an answer: somebody is on call from `startMs` until before `endMs`, epoch milliseconds. */
export interface Shift {
  /** E-mail or subject, as the source writes it. */
  readonly who: string;
  /** null: always has been. */
  readonly startMs: number | null;
  /** null: without end. */
  readonly endMs: number | null;
}

/** Of one answer. */
export const SHIFTS_MAX = 1_000;

export function covers({ startMs, endMs }: Shift, nowMs: number): boolean {
  return (startMs === null || startMs <= nowMs) && (endMs === null || nowMs < endMs);
}

/** An answer that says nothing about who is on call. The message is a few words that quote nothing of it. */
export class UnusableAnswer extends Error {}

/** GETs one JSON document from the source, with what it wants to be asked with, within its bounds. */
export type GetJson = (address: string) => Promise<unknown>;
