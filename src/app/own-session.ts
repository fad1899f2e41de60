import { sameAccount } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';

/**
 * The session in whatever state where the caller's account asked for it, as for entering it; `not-found` for anybody else:
 * approvers, and other accounts of the same human, which have rights of their own.
 */
export async function ownSession(
  store: Pick<SessionStore, 'find'>,
  caller: Caller,
  id: SessionId,
): Promise<Session | Problem> {
  const session = await store.find(id);
  return session && sameAccount(session.requester, personOf(caller)) ? session : absent(id);
}

/** The refusal of kubectl by the terms of a session; undefined where they allow it. */
export function requireKubectl({ id, grant }: Session): Problem | undefined {
  const ways = grant?.terms.ways ?? [];
  if (ways.includes('kubectl')) return undefined;
  return problem(
    'way-not-allowed',
    `The terms of session ${id} do not allow kubectl, but ${ways.join(' and ')}. \`hallpass connect ${id}\` opens a terminal.`,
  );
}
