import type { Condition, StepBudget, TextPattern, Told } from './condition.js';
import type { Facts } from './facts.js';

/**
 * What the conditions and patterns of one decision may take together, in the steps of {@link Condition.steps}. A step
 * takes 20 ns at most, so this is a fortieth of a second, whatever the documents. A request is decided by what is known
 * without the cluster, then with the namespace and then with the Pod; the last two at once, so that the broker is held up
 * for a twentieth of a second at most.
 *
 * Steps are reckoned rather than time measured, so that a decision is the same on a busy machine, on another replica,
 * and when it is made again years later. They are reckoned for the largest facts, so that who is in few groups sees what
 * who is in many does: rules that are too dear together are found when they are tried and not when the largest team
 * needs them.
 */
export const STEPS_A_DECISION = 1_250_000;

/** A clause that says why something was not tested. */
export const TOO_MUCH_TOGETHER =
  'the conditions and patterns of this decision would take too long together: make them cheaper, or match fewer requests by each rule';

/**
 * One question to policy: the facts, and what was tested on them so far. Each condition and pattern is tested once,
 * however often it is asked about. From the first on for which there are not enough steps nothing more is told, which
 * grants nothing: an allow whose condition is unknown does not match, a deny's does.
 *
 * What is told hangs on what was asked before. So conditions are asked about in an order that no document's place and no
 * person's groups change: those of denies first, then those of allows, each by the names of their rules; then the
 * patterns of terms, those first that ask least. And nothing that still fitted is told after what did not: else a deny
 * that takes steps could make room for an allow.
 */
export class Inquiry implements StepBudget {
  private readonly conditions = new Map<Condition, Told>();
  private readonly patterns = new Map<TextPattern, boolean | 'unknown'>();
  private left = STEPS_A_DECISION;
  private isSpent = false;

  constructor(readonly facts: Facts) {}

  /** Whether anything was left untested. */
  get isCutShort(): boolean {
    return this.isSpent;
  }

  take(steps: number): boolean {
    this.isSpent ||= steps > this.left;
    if (!this.isSpent) this.left -= steps;
    return !this.isSpent;
  }

  test(condition: Condition): Told {
    const known = this.conditions.get(condition);
    if (known) return known;
    const told: Told = this.take(condition.steps)
      ? condition.test(this.facts, this)
      : { truth: 'unknown', why: TOO_MUCH_TOGETHER };
    this.conditions.set(condition, told);
    return told;
  }

  /** Whether the whole of a text of the request, always the same one for a pattern, matches. */
  matches(pattern: TextPattern, text: string): boolean | 'unknown' {
    const known = this.patterns.get(pattern);
    if (known !== undefined) return known;
    const told = this.take(text.length * pattern.stepsPerChar) ? pattern.matches(text) : 'unknown';
    this.patterns.set(pattern, told);
    return told;
  }
}
