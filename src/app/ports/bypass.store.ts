import type { AuditEntry } from '../../domain/audit/entry.js';
import type { BypassReason } from '../../domain/bypass/bypass.rule.js';

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

/** A call into containers that nobody is known to have added: a bypass once somebody is. */
export interface EarlyCall {
  readonly key: string;
  readonly why: BypassReason;
  /** What its event says of it. */
  readonly seen: Readonly<Record<string, unknown>>;
}

/** With the containers that it named. */
export interface KeptCall extends EarlyCall {
  readonly place: ContainerPlace;
  readonly containers: readonly string[];
}

/** What was seen in the audit logs of API servers. */
export abstract class BypassStore {
  /** @returns whether it was new: a call that was written before is not written again. */
  abstract write(seen: SeenCall): Promise<boolean>;
  /** Whether a container of one of these names is known to have been added to the Pod. */
  abstract isAdded(place: ContainerPlace, containers: readonly string[]): Promise<boolean>;
  /** Keeps a call for half an hour, a bounded number of them: the oldest go first. */
  abstract keepEarly(kept: KeptCall): Promise<void>;
  /** The calls that are kept into containers of these names, in the order in which they came. */
  abstract early(place: ContainerPlace, containers: readonly string[]): Promise<EarlyCall[]>;
  /** How many bytes of a log file were read; `file` is the SHA-256 (hex) of its first line. */
  abstract position(cluster: string, file: string): Promise<number>;
  abstract moveTo(cluster: string, file: string, position: number): Promise<void>;
}
