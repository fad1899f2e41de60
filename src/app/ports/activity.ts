import type { SessionId } from '../../domain/session/session.js';

/** When somebody last typed into a session, among all replicas. */
export abstract class Activity {
  /** Keeps that there was input just now. */
  abstract touch(session: SessionId, at: Date): Promise<void>;
  /** The latest that was kept; `undefined` where nobody has typed yet. */
  abstract lastInputAt(session: SessionId): Promise<Date | undefined>;
}
