import type { Person } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';

/** Somebody who is watching a session at this moment, on whichever replica. */
export interface Watching {
  readonly id: string;
  readonly person: Person;
  readonly since: Date;
}

/** Who watches what, among all replicas. Whoever stays silent for a while (a dead replica's watchers) is gone. */
export abstract class Presence {
  /** Those watching now, in the order in which they came. */
  abstract watching(session: SessionId): Promise<readonly Watching[]>;
  /** Begins; the returned function ends it. Kept up until then. Told to all replicas at once. */
  abstract join(session: SessionId, person: Person): Promise<() => Promise<void>>;
  /** Calls `heard` when somebody comes or goes, on any replica; news may be lost, so look now and then too. */
  abstract subscribe(heard: (session: SessionId) => void): () => void;
}
