import type { Identity, Person } from '../../domain/person.js';

/** People as their newest token said: whose consent still counts, and whose access is gone. */
export abstract class People {
  /**
   * Keeps what a token said of a person, for good: whoever asks afterwards, on any replica, is told it. A token that was
   * issued before the one that is known changes nothing.
   */
  abstract seen(person: Person, issuedAt: Date): Promise<void>;

  /** Those of these accounts that were ever seen, in no particular order. */
  abstract latest(accounts: readonly Pick<Identity, 'iss' | 'sub'>[]): Promise<Person[]>;

  /** Those that were ever seen whose subject, or `issuer|subject`, is among these: 100 at most. */
  abstract named(names: readonly string[]): Promise<Person[]>;
}
