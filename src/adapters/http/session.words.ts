import type { Consent, Session, SessionId } from '../../domain/session/session.js';
import { requirementsOf } from '../../domain/policy/policy.js';
import { SessionStore } from '../../app/ports/session.store.js';

const AT_ONCE = 8;

/** The consents to each of these sessions, asked for only where policy wants any, a few at a time. */
export async function wordsOn(
  store: Pick<SessionStore, 'consents'>,
  sessions: readonly Session[],
): Promise<Map<SessionId, Consent[]>> {
  const words = new Map<SessionId, Consent[]>();
  const waiting = sessions.filter((session) => requirementsOf(session.grant).length > 0);
  while (waiting.length > 0) {
    const some = waiting.splice(0, AT_ONCE);
    const found = await Promise.all(some.map(({ id }) => store.consents(id)));
    for (const [index, { id }] of some.entries()) words.set(id, found[index] ?? []);
  }
  return words;
}
