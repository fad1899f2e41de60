import { wouldCount } from '../../domain/approval/quorum.js';
import { samePerson } from '../../domain/person.js';
import type { Permission } from '../../domain/permission.js';
import { permits } from '../../domain/permission.js';
import type { Action } from '../../domain/session/session.machine.js';
import { mayBeExtended } from '../../domain/session/extension.js';
import { actionsIn } from '../../domain/session/session.machine.js';
import { askedOf, standing } from '../../domain/session/session.js';
import type { Consent, Session } from '../../domain/session/session.js';
import type { Caller } from '../caller.js';
import { callerCapacities, personOf } from '../caller.js';

/** The permission that each action needs, whichever way it is asked for. */
export const PERMISSION_OF_ACTION = {
  approve: 'session:decide',
  deny: 'session:decide',
  retract: 'session:decide',
  start: 'session:use',
  extend: 'session:use',
  end: 'session:use',
  revoke: 'session:revoke',
} as const satisfies Record<Action, Permission>;

/**
 * What the caller can do with the session as it stands: what the session machine allows in their capacities, less what
 * their roles do not permit, a consent that would add nothing, taking back one that was not given, and an extension that
 * the terms leave out.
 *
 * @param words with the people as they are now.
 */
export function allowedActions(
  caller: Caller,
  session: Session,
  words: readonly Pick<Consent, 'person' | 'verdict'>[],
): Action[] {
  const person = personOf(caller);
  const consents = standing(words);
  const can: Partial<Record<Action, () => boolean>> = {
    approve: () => wouldCount(askedOf(session), session.requester, { person, consents }),
    retract: () => consents.some((consent) => samePerson(consent.person, person)),
    extend: () => mayBeExtended(session),
  };
  return actionsIn(session.state, callerCapacities(caller, session)).filter(
    (action) => permits(caller.roles, PERMISSION_OF_ACTION[action]) && (can[action]?.() ?? true),
  );
}
