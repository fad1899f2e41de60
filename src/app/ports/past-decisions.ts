import type { Person } from '../../domain/person.js';
import type { Facts } from '../../domain/policy/facts.js';
import type { Grant } from '../../domain/policy/policy.js';
import type { SessionId, Target } from '../../domain/session/session.js';

/** What policy said to a request, with all that it was said from. */
export interface PastDecision {
  readonly sessionId: SessionId;
  readonly at: Date;
  readonly verdict: 'grant' | 'hold' | 'refuse';
  readonly rule: string | null;
  readonly explanation: readonly string[];
  /** Null where the decision was made before facts were kept. */
  readonly facts: Facts | null;
  readonly requester: Person;
  readonly target: Target;
  /** What was granted; null in a refusal. */
  readonly grant: Grant | null;
}

/** The decisions that policy made on requests. */
export abstract class PastDecisions {
  /**
   * Those made at `since` or later, the newest first, read in pages: however many there are, few are held at once.
   * Those that come while they are read may be missing.
   */
  abstract newestFirst(args: {
    readonly since: Date;
    readonly limit: number;
  }): AsyncIterable<PastDecision>;
}
