import type { PolicySet } from '../../domain/policy/policy.js';

/** The documents in force. */
export abstract class PolicySource {
  /** The set in force as far as this replica knows, already stored in the database under its hash. */
  abstract current(): PolicySet;

  /** Looks whether another set was put in force meanwhile, and takes it up. */
  abstract refresh(): Promise<void>;
}
