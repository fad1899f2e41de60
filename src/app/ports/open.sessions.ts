import type { Person } from '../../domain/person.js';
import type { Facts } from '../../domain/policy/facts.js';
import type { Session, SessionId } from '../../domain/session/session.js';

/** A session that is open, with what tells whether its requester would still be let in. */
export interface OpenSession {
  readonly session: Session;
  /** What policy decided from; null where it was not kept. */
  readonly facts: Facts | null;
  /** The requester as their newest token says; null where none was seen. */
  readonly person: Person | null;
}

/** The sessions that end where their requester's access is removed, and are not over or ending yet. */
export abstract class OpenSessions {
  /** In the order of their ids; `after` is the last one of the page before. */
  abstract page(args: {
    readonly after?: SessionId;
    readonly limit: number;
  }): Promise<OpenSession[]>;
}
