import type { Identity, Person } from './person.js';

/** Which accounts are one human's, as the configuration says now. */
export class Humans {
  private readonly known: ReadonlyMap<string, string>;

  constructor(accounts: readonly Required<Identity>[]) {
    this.known = new Map(accounts.map((account) => [keyOf(account), account.human]));
  }

  /**
   * Somebody as they were kept, with what the configuration says of whose the account is: that goes before what their
   * token said, and holds without their signing in again.
   */
  named(person: Person): Person {
    const human = this.known.get(keyOf(person));
    return human === undefined ? person : { ...person, human };
  }
}

/** An issuer is a URL, which holds no line end. */
function keyOf({ iss, sub }: Pick<Identity, 'iss' | 'sub'>): string {
  return `${iss}\n${sub}`;
}
