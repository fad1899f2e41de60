import type { Person, SignIn } from '../../domain/person.js';

/** Who a browser was signed in as. */
export interface WebVisitor {
  readonly person: Person;
  readonly signIn: SignIn;
}

/** Browsers that signed in, on any replica, by the digest of what their cookie holds. */
export abstract class WebSessions {
  /** Keeps it until then, and forgets those that have expired. */
  abstract add(digest: string, visitor: WebVisitor, expiresAt: Date): Promise<void>;
  /** @returns the person as their newest token says; `undefined` where it has expired by `now`, or was ended. */
  abstract find(digest: string, now: Date): Promise<WebVisitor | undefined>;
  abstract end(digest: string): Promise<void>;
}
