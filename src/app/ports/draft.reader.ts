import type { PolicyFile, PolicySet } from '../../domain/policy/policy.js';

/** Why files are no set: every error as `file:line:column: path: sentence`. */
export interface DraftErrors {
  readonly policyErrors: readonly string[];
}

/** Reads documents that are not in force. */
export abstract class DraftReader {
  /**
   * Bounded in documents as folders of policies are; files and bytes are for the caller to bound. Lets others have
   * their turn meanwhile.
   */
  abstract read(files: readonly PolicyFile[]): Promise<PolicySet | DraftErrors>;
}
