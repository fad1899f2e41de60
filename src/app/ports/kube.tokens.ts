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

/** Tokens of sessions. None outlives its session. */
export abstract class KubeTokens {
  /** Keeps it, and forgets those of sessions that are over and the oldest of a session's many. */
  abstract add(token: KubeToken): Promise<void>;
  /** The token with that hash, with its person as they are now; undefined where its session cannot be used any more. */
  abstract find(hash: Uint8Array): Promise<KubeToken | undefined>;
}
