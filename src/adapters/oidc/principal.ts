import type { Person, SignIn } from '../../domain/person.js';

/** Who a valid token speaks for, and until when it does (its `exp`, without clock skew). */
export interface Principal {
  readonly person: Person;
  readonly signIn: SignIn;
  readonly expiresAt: Date;
}
