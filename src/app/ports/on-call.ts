import type { OnCallFacts } from '../../domain/policy/facts.js';
import type { OnCallSource } from '../../domain/policy/on-call-source.js';
import type { Person } from '../../domain/person.js';

/** Who is on call, as others say. */
export abstract class OnCall {
  /**
   * Whether this person is on call, one fact for each source. `unknown` where the source has no answer that may be
   * used, and where it can name this person in no way (by e-mail, and they have none). Takes the longest time limit of the sources at most. Rejects never because of a source.
   */
  abstract factsFor(sources: readonly OnCallSource[], person: Person): Promise<OnCallFacts>;
}

/** How asking a source went, for readiness and metrics. */
export interface OnCallSourceState {
  readonly name: string;
  /** When it last answered; null: never. */
  readonly lastSuccessAt: Date | null;
  /** Why the latest attempt failed, in a few words without secrets or addresses; null: it did not. */
  readonly lastError: string | null;
}

/** A source that cannot be asked before the configuration names its secret. */
export interface MissingSecret {
  readonly source: string;
  readonly secret: string;
}
