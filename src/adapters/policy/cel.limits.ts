/**
 * What keeps an expression from holding up the broker. The engine has no limit of its own while it runs, so all of it
 * is reckoned when documents are loaded, for the largest facts that are let in: see `cel.walk.ts`. Only what matching
 * patterns takes is counted while it runs. A step takes 20 ns at most, as `cel.limits.test.ts` tries; most take less.
 * Errors are the dearest thing that an expression can do.
 */
export const LIMITS = {
  sourceChars: 4_000,
  nodes: 500,
  /** Brackets, calls and fields within each other. Chains of `&&` and `||` do not count. */
  depth: 32,
  /** `all`, `exists`, `exists_one`, `map` and `filter` within each other. */
  loops: 2,
  /** At worst, over the largest facts: 10 ms. All of a decision together: see `STEPS_A_DECISION`. */
  steps: 500_000,
} as const;

export const STEPS = {
  node: 1,
  /** Making, throwing and taking in an error of the engine; it looks through the source for where it is. */
  failure: (sourceChars: number) => 400 + sourceChars,
  /** The same for a fact that is not known: the error is made once for all. */
  notKnown: 60,
  turn: 3,
  zonedTime: 200,
  parsedLiteral: 80,
  match: 40,
} as const;

/** Characters that are compared or copied in a step. */
export const CHARS_A_STEP = 64;
