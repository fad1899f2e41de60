import { containerName } from './debug-container.js';
import type { Session } from './session.js';
import type { State } from './session.machine.js';

/** What somebody who wants to use a session is told in each state in which it cannot be used; by state. */
const NOT_USABLE: Partial<Record<State, (session: Session) => string>> = {
  pending: ({ id }) =>
    `Session ${id} waits for consent. \`hallpass sessions wait ${id}\` waits with it; then try again.`,
  denied: ({ id }) => `Session ${id} was denied. \`hallpass sessions show ${id}\` says why.`,
  ending: ({ id, endDetail }) =>
    `Session ${id} is being ended${because(endDetail)} Ask for a new one: \`hallpass debug\`.`,
  ended: ({ id, endDetail }) =>
    `Session ${id} has ended${because(endDetail)} Ask for a new one: \`hallpass debug\`.`,
};

/** What was told of the end, which is a sentence or the beginning of one. */
function because(detail: string | null): string {
  return detail === null ? '.' : `: ${detail.replace(/\.$/, '')}.`;
}

/** Why a session cannot be used as it stands, in a sentence with what to do; undefined where it can, or soon will. */
export function whyNotUsable(session: Session): string | undefined {
  if (session.state === 'approved' && session.request.start === 'manual') {
    return `Session ${session.id} is approved and is started by hand: \`hallpass connect ${session.id}\` starts it.`;
  }
  return NOT_USABLE[session.state]?.(session);
}

/** The name of the session's container, also before there is one. */
export function containerNameOf(session: Session): string {
  return session.container?.name ?? containerName(session);
}
