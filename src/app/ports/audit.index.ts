import type { SessionId } from '../../domain/session/session.js';
import type { LogEntry } from './log.store.js';
import type { PlacedFacts } from '../../domain/audit/event.facts.js';
import type { AuditRecord } from './audit.log.js';

/** By which of its facts events are counted. */
export const COUNTED_BY = [
  'action',
  'outcome',
  'session',
  'person',
  'approver',
  'requester',
  'cluster',
  'namespace',
  'workload',
  'pod',
  'image',
  'rule',
  'ticket',
] as const;
export type CountedBy = (typeof COUNTED_BY)[number];

/**
 * All of it holds of what is found. People by their subject; `person` and `approver` by `issuer|subject` as well. Images
 * by their name, with tag, with digest, with both, or by their digest alone.
 */
export interface AuditFilter extends Partial<Readonly<Record<CountedBy, string>>> {
  readonly email?: string;
  readonly breakGlass?: boolean;
  /** The id of a trace: 32 hexadecimal digits in lower case. Of more than 100,000 events those of the latest time. */
  readonly trace?: string;
  /** This instant and later. */
  readonly from?: Date;
  /** Earlier than this instant. */
  readonly until?: Date;
  /** Words, all of which occur; or as web searches have it: "one after the other", or, -not. */
  readonly text?: string;
}

/** An event with its place in the log. */
export interface FoundRecord extends AuditRecord {
  readonly index: number;
}

export interface Counts {
  /** The most frequent first. Null stands for events that have no such fact. */
  readonly groups: readonly { readonly value: string | null; readonly count: number }[];
  /** Of all that were looked at. */
  readonly total: number;
  /** Whether there are older ones that were not looked at. */
  readonly more: boolean;
}

export interface FoundSessions {
  readonly ids: readonly SessionId[];
  /** Whether there are older events that were not looked at. */
  readonly more: boolean;
}

/** Events of the log by what they are found by. An event is found once it has its place. */
export abstract class AuditIndex {
  /** The newest places first, from the place before `before` on. */
  abstract search(
    filter: AuditFilter,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<FoundRecord[]>;
  /** Counts the newest `among` of what is found, in `groups` groups at most. */
  abstract counts(
    filter: AuditFilter,
    args: { readonly by: CountedBy; readonly groups: number; readonly among: number },
  ): Promise<Counts>;
  /**
   * The sessions of which events are found, the `limit` that were found first among the newest `among` events. Of an
   * approver, those on which they gave their word: all else must hold of one of their other events.
   */
  abstract sessions(
    filter: AuditFilter,
    args: { readonly limit: number; readonly among: number },
  ): Promise<FoundSessions>;
  /** How many places were given. */
  abstract size(): Promise<number>;
  /** Those of these places that cannot be found yet. */
  abstract unfound(begin: number, end: number): Promise<Pick<LogEntry, 'index' | 'body'>[]>;
  abstract add(placed: readonly PlacedFacts[]): Promise<void>;
}
