import type { AuditEntry } from '../../domain/audit/entry.js';

/** Where a container is, by names. */
export interface ContainerPlace {
  readonly cluster: string;
  readonly namespace: string;
  readonly pod: string;
}

/** What is written of one call, all of it or nothing. */
export interface SeenCall {
  /** Which call it was: written once. */
  readonly key: string;
  readonly entry: AuditEntry;
  readonly place: ContainerPlace;
  /** The ephemeral containers that it added. */
  readonly added: readonly string[];
  /** What others are to be told; null: nothing. */
  readonly news: Readonly<Record<string, unknown>> | null;
}

/** What was seen in the audit logs of API servers. */
export abstract class BypassStore {
  /** @returns whether it was new: a call that was written before is not written again. */
  abstract write(seen: SeenCall): Promise<boolean>;
  /** Whether a container of this name is known to have been added to the Pod. */
  abstract isAdded(place: ContainerPlace, container: string): Promise<boolean>;
  /** How many bytes of a log file were read; `file` is the SHA-256 (hex) of its first line. */
  abstract position(cluster: string, file: string): Promise<number>;
  abstract moveTo(cluster: string, file: string, position: number): Promise<void>;
}
