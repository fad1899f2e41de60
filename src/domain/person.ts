import type { SlackAccount } from './slack-user.js';
import type { Traceparent } from './traceparent.js';

/**
 * Who a person is, as the issuer of their token says. `iss` and `sub` together are the identity (RFC 9068 §2.2);
 * the name is for reading only and decides nothing, the e-mail nothing but who is on call (an OnCallSource that names
 * people by e-mail).
 */
export interface Person {
  readonly iss: string;
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  readonly groups: readonly string[];
  /** The human behind the account, where the configuration knows it: one human may have several accounts. */
  readonly human?: string;
}

/** What tells one account from another, and one human from another. */
export type Identity = Pick<Person, 'iss' | 'sub' | 'human'>;

/**
 * How the person signed in (RFC 9068 §2.2.1): context class, methods, and when, in epoch seconds; and those claims that
 * the configuration lets policy look at.
 */
export interface SignIn {
  /** When the token was issued (`iat`), in epoch seconds: it tells which of two tokens is the newer. */
  readonly issuedAt?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly authTime?: number;
  readonly claims?: Readonly<Record<string, string>>;
}

/** Whether two accounts are one person: same issuer and subject, or known to be the same human's. */
export function samePerson(a: Identity, b: Identity): boolean {
  return sameAccount(a, b) || (a.human !== undefined && a.human === b.human);
}

/** The person as the newest token of their account says, where it is among those known. */
export function newest(person: Person, known: readonly Person[]): Person {
  return { ...person, ...known.find((other) => sameAccount(other, person)) };
}

/** Whether two identities are one account: same issuer and same subject. */
export function sameAccount(a: Identity, b: Identity): boolean {
  return a.iss === b.iss && a.sub === b.sub;
}

/**
 * How documents may name somebody: `issuer|subject`, or the subject alone. A subject that reads like another issuer's
 * `issuer|subject` is not taken for it: such a one is named with its issuer.
 */
export function namesOf({ iss, sub }: Pick<Person, 'iss' | 'sub'>): readonly string[] {
  return ISSUER_AND_SUBJECT.test(sub) ? [`${iss}|${sub}`] : [sub, `${iss}|${sub}`];
}

const ISSUER_AND_SUBJECT = /^https?:\/\/[^|]*\|/i;

/** Whether somebody is one of these people: in one of the groups, or named ({@link namesOf}). */
export function isAmong(
  person: Pick<Person, 'iss' | 'sub' | 'groups'>,
  people: { readonly groups: readonly string[]; readonly users: readonly string[] },
): boolean {
  return (
    people.groups.some((group) => person.groups.includes(group)) ||
    (people.users.length > 0 && namesOf(person).some((name) => people.users.includes(name)))
  );
}

/** What people see of a person: e-mail, else name, else subject. */
export function displayName(person: Person): string {
  return person.email ?? person.name ?? person.sub;
}

export const CHANNELS = ['api', 'slack', 'console', 'cli', 'kubectl', 'system'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Who acts, through which door, from where. `system` is the broker itself. */
export type Actor =
  | {
      readonly kind: 'person';
      readonly person: Person;
      readonly signIn: SignIn;
      readonly channel: Channel;
      readonly address?: string;
      readonly requestId?: string;
      /** Where in which trace they act. Said by them or by whoever is between, and believed by nobody. */
      readonly traceparent?: Traceparent;
      /** The Slack account that they acted by. */
      readonly slack?: SlackAccount;
    }
  | { readonly kind: 'system'; readonly replica: string };
