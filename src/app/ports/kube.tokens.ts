import type { Person, SignIn } from '../../domain/person.js';
import type { SessionId } from '../../domain/session/session.js';

/** A token by which kubectl uses one session. Only its SHA-256 is kept. */
export interface KubeToken {
  readonly hash: Uint8Array;
  readonly session: SessionId;
  readonly person: Person;
  readonly signIn: SignIn;
  readonly at: Date;
}

/** Tokens of sessions. One whose session is over opens nothing: it is known for a day, so that kubectl is told why. */
export abstract class KubeTokens {
  /** Keeps it, and forgets those of sessions that are over for a day, and the oldest of a session's many. */
  abstract add(token: KubeToken): Promise<void>;
  /** The token with that hash, with its person as they are now. Whether its session can be used is not asked here. */
  abstract find(hash: Uint8Array): Promise<KubeToken | undefined>;
}
