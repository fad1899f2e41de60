import type { SessionId } from '../../domain/session/session.js';

/** Tells that sessions changed, on whichever replica. News may be lost; whoever waits also looks now and then. */
export abstract class SessionNews {
  /** Calls `heard` at each change of any session, until the returned function is called. */
  abstract subscribe(heard: (id: SessionId, version: number) => void): () => void;
}
