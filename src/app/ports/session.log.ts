import type { SessionId } from '../../domain/session/session.js';

/** An event of a session, with its place where it has one. */
export interface SessionEntry {
  readonly eventId: string;
  /** Null while it waits. */
  readonly index: number | null;
  readonly leafHash: Buffer;
  /** Empty where it was dropped at the end of its time. */
  readonly body: Buffer;
}

/** The audit log by sessions: the very bytes that were hashed. */
export abstract class SessionLog {
  /** How many events a session has, and how many bytes they have together. */
  abstract extent(session: SessionId): Promise<{ readonly events: number; readonly bytes: number }>;
  /** Those with a place in its order, those without after them. */
  abstract entries(session: SessionId, limit: number): Promise<SessionEntry[]>;
}
