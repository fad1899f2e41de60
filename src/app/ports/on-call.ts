import type { Person } from '../../domain/person.js';
import type { OnCallFacts } from '../../domain/policy/facts.js';
import type { OnCallSource } from '../../domain/policy/on-call-source.js';

/** Who is on call, as others say. */
export abstract class OnCall {
  /** Whether the person is on call by each of the sources; `unknown` where a source cannot be reached. Never throws. */
  abstract factsFor(sources: readonly OnCallSource[], person: Person): Promise<OnCallFacts>;
}
