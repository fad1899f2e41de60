import type { PolicySet } from '../../domain/policy/policy.js';
import type { Problem } from '../../domain/problem.js';

/** The documents in force. */
export abstract class PolicySource {
  /** The set in force as far as this replica knows, already stored in the database under its hash. */
  abstract current(): PolicySet;

  /** Why nothing can be decided here now: the set in force is one that this program cannot read. */
  blocked(): Problem | undefined {
    return undefined;
  }

  /** Looks whether another set was put in force meanwhile, and takes it up. */
  abstract refresh(): Promise<void>;
}
