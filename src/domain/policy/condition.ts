import type { Facts } from './facts.js';

/**
 * What a test came to. `unknown`: it cannot be told, because a fact is not known (yet) or an expression failed on the
 * facts. An allow that is unknown does not match; a deny that is unknown does.
 */
export type Truth = 'yes' | 'no' | 'unknown';

/** An expression over the facts, compiled when the documents were loaded. */
export interface Condition {
  /** As it stands in the document. */
  readonly source: string;
  /** The groups of facts that it looks at. */
  readonly uses: ReadonlySet<keyof Facts>;
  /** The on-call sources that it names. */
  readonly onCallSources: ReadonlySet<string>;
  /**
   * Bounded in time by what was checked at load; never throws. `unknown` with `why`, a clause that says what could not
   * be told (`the on-call source "payments" did not answer`).
   */
  test(facts: Facts): { readonly truth: Truth; readonly why?: string };
}

/** A pattern for texts, compiled with an engine whose time is linear in the text (RE2). */
export interface TextPattern {
  readonly source: string;
  /** Whether the whole text matches. */
  matches(text: string): boolean;
}
