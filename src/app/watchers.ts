import { samePerson } from '../domain/person.js';
import type { Person } from '../domain/person.js';
import type { Role } from '../domain/permission.js';
import { permits } from '../domain/permission.js';
import type { State } from '../domain/session/session.machine.js';
import type { Session } from '../domain/session/session.js';
import { capacitiesOf } from '../domain/session/session.js';

/** The states in which a session can be entered, or waited for, and so watched. */
const ENTERABLE: ReadonlySet<State> = new Set(['approved', 'starting', 'active']);

/** Whether a session can be entered as it stands, now or when it has started. */
export function isEnterable(session: Pick<Session, 'state'>): boolean {
  return ENTERABLE.has(session.state);
}

/** Whether something may be shown in a session, and so those who watch it matter. */
export function isShown({ state }: Pick<Session, 'state'>): boolean {
  return state === 'starting' || state === 'active';
}

/** Whether somebody may watch a session: its approvers and auditors, and never its requester, by any account. */
export function mayWatch(
  { person, roles }: { readonly person: Person; readonly roles: readonly Role[] },
  session: Session,
): boolean {
  if (samePerson(person, session.requester) || !permits(roles, 'session:watch')) return false;
  return roles.includes('auditor') || capacitiesOf(session, person, false).includes('approver');
}
