import type { Person } from '../../domain/person.js';

/** Which Slack account is whose. */
export abstract class SlackPeople {
  /** The account (`U…`) that is tied to this identity; undefined where none is. */
  abstract userOf(account: Pick<Person, 'iss' | 'sub'>): Promise<string | undefined>;
  /** The accounts that are tied to those whom documents name so (`namesOf`): `subject`, or `issuer|subject`. */
  abstract usersNamed(names: readonly string[]): Promise<readonly string[]>;
}
