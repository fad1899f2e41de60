import type { PolicySet } from '../../domain/policy/policy.js';

/** The documents in force. */
export abstract class PolicySource {
  /** The set in force, already stored in the database under its hash. */
  abstract current(): PolicySet;
}
