import type { PolicyFile } from '../../domain/policy/policy.js';

/** What is wrong with documents, as `file:line:column: path: sentence`. */
export interface PolicyErrors {
  readonly policyErrors: readonly string[];
}

/** All files of the folders as they were at one moment, and what could not be read. */
export interface FolderReading {
  /** Equal where nothing has changed. */
  readonly mark: string;
  readonly files: readonly PolicyFile[];
  readonly errors: readonly string[];
}

/** The folders in which this replica finds its policy documents. */
export abstract class PolicyFolders {
  /** Reads all files, of one moment: never half of a change. */
  abstract read(): Promise<FolderReading>;

  /** The same, where anything changed since the reading with this mark; else `undefined`. */
  abstract readUnless(mark: string): Promise<FolderReading | undefined>;

  /** Calls `changed` when something may have changed, as far as the system tells, until the function is called. */
  abstract watch(changed: () => void): () => void;
}
