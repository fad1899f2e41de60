import type { Facts } from './facts.js';

/**
 * What a test came to. `unknown`: it cannot be told, because a fact is not known (yet), an expression failed on the
 * facts, or testing it would take too long. An allow that is unknown does not match; a deny that is unknown does.
 */
export type Truth = 'yes' | 'no' | 'unknown';

/** `why` is a clause that says what could not be told (`the on-call source "payments" did not answer`). */
export interface Told {
  readonly truth: Truth;
  readonly why?: string;
}

/** What is left of the steps that a decision may take. */
export interface StepBudget {
  /** Takes so many steps. @returns whether there were as many, now and each time before. */
  take(steps: number): boolean;
}

/** An expression over the facts, compiled when the documents were loaded. */
export interface Condition {
  /** As it stands in the document. */
  readonly source: string;
  /** The groups of facts that it looks at. */
  readonly uses: ReadonlySet<keyof Facts>;
  /** The on-call sources that it names. */
  readonly onCallSources: ReadonlySet<string>;
  /** What it takes over the largest facts, as reckoned at load, without the matching of patterns. 20 ns each at most. */
  readonly steps: number;
  /**
   * Bounded in time by what was checked at load; never throws. Whoever calls has taken {@link steps}; what matching
   * patterns takes is taken from `budget` while it runs.
   */
  test(facts: Facts, budget: StepBudget): Told;
}

/** A pattern for texts, compiled with an engine whose time is linear in the text (RE2). */
export interface TextPattern {
  readonly source: string;
  /** What a character of a text takes at most, in the steps of {@link Condition.steps}. */
  readonly stepsPerChar: number;
  /** Whether the whole text matches. */
  matches(text: string): boolean;
}
