import type { Person } from './person.js';

/** How a cluster's API server is told for whom the broker makes a call, so that its own audit log names the human. */
export interface Impersonation {
  /** What stands before people's names, so that no name of theirs is one that the cluster has otherwise. */
  readonly userPrefix: string;
  /** The one group that they act in: what it may do is all that they may. */
  readonly group: string;
}

/** The key of the session's id among what the API server's audit log says of the user. */
export const SESSION_EXTRA = 'hallpass.dev/session';

/** What a header takes as it is. Everything else of a name, and `%` itself, is percent-encoded UTF-8. */
const PLAIN = /[^\x21-\x24\x26-\x7e]+/g;

/** The name under which somebody acts in a cluster: their e-mail address where the issuer tells one, else the subject. */
export function impersonatedName({ userPrefix }: Impersonation, person: Person): string {
  const name = person.email ?? person.sub;
  return `${userPrefix}${name.replaceAll(PLAIN, (part) => encodeURIComponent(part.toWellFormed()))}`;
}
