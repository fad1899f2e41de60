import type { AuditEntry } from '../../domain/audit/entry.js';
import type { PolicyFile } from '../../domain/policy/policy.js';

/** One time that a set was put in force. */
export interface Activation {
  /** Grows with each. */
  readonly seq: number;
  readonly hash: string;
  readonly replica: string;
  readonly at: Date;
  /** When another one came; null while it is in force. */
  readonly until: Date | null;
}

/**
 * What became of a proposal: `activated`; `in-force` already; `superseded`: it was in force since the proposer last
 * looked, and another one is now.
 */
export interface Proposed {
  readonly outcome: 'activated' | 'in-force' | 'superseded';
  /** The newest activation of the set that was proposed. */
  readonly of: Activation;
  /** The one that is in force. */
  readonly inForce: Activation;
}

/** Every policy set that was ever in force, as it was written, and when it was. The newest activation is in force. */
export abstract class PolicyArchive {
  abstract inForce(): Promise<Activation | undefined>;

  /** The files of a set, in the order of their names; `undefined` where there is no such set. */
  abstract files(hash: string): Promise<readonly PolicyFile[] | undefined>;

  /**
   * Puts a set in force for all replicas, with its files and its audit entry in one transaction; nothing is written
   * where it is in force, or was since the activation number `since`.
   */
  abstract propose(proposal: {
    readonly hash: string;
    readonly files: readonly PolicyFile[];
    readonly since: number;
    readonly replica: string;
    readonly at: Date;
    /** @param replaced the hash of the set that was in force before. */
    readonly audit: (replaced: string | null) => AuditEntry;
  }): Promise<Proposed>;

  /** Writes down that documents were refused, once for each content, whichever replicas see it. Tells if it was new. */
  abstract refuse(content: string, audit: AuditEntry): Promise<boolean>;

  /** Newest first; `before` is the last one of the page before. */
  abstract activations(args: {
    readonly hash?: string;
    readonly before?: number;
    readonly limit: number;
  }): Promise<Activation[]>;
}
