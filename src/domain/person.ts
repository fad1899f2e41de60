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
}

/** How the person signed in (RFC 9068 §2.2.1): context class, methods, and when, in epoch seconds. */
export interface SignIn {
  readonly acr?: string;
  readonly amr?: readonly string[];
  readonly authTime?: number;
}

/** Whether two identities are one person: same issuer and same subject. */
export function samePerson(
  a: Pick<Person, 'iss' | 'sub'>,
  b: Pick<Person, 'iss' | 'sub'>,
): boolean {
  return a.iss === b.iss && a.sub === b.sub;
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
    }
  | { readonly kind: 'system'; readonly replica: string };
