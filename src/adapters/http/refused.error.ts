import type { Problem } from '../../domain/problem.js';
import { isProblem } from '../../domain/problem.js';

/** Carries a refusal out of a handler, a guard or a pipe to the {@link ProblemFilter}, which alone answers with it. */
export class Refused extends Error {
  override readonly name = 'Refused';

  constructor(
    readonly problem: Problem,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(problem.detail, { cause: problem.cause });
  }
}

/** The result, where it is one. @throws Refused where it is a refusal. */
export function orRefuse<T>(result: T | Problem): T {
  if (isProblem(result)) throw new Refused(result);
  return result;
}
