import type { Actor, Person } from '../domain/person.js';
import type { Role } from '../domain/permission.js';
import { permits } from '../domain/permission.js';
import type { Session } from '../domain/session/session.js';
import { capacitiesOf } from '../domain/session/session.js';
import type { Capacity } from '../domain/session/session.machine.js';
import type { Traceparent } from '../domain/traceparent.js';
import type { Visibility } from './ports/session.store.js';

/** A person who is signed in and asks for something, as use cases see them. */
export interface Caller {
  readonly actor: Extract<Actor, { kind: 'person' }>;
  readonly roles: readonly Role[];
}

/** The caller as of a request in a trace. */
export function inTrace(caller: Caller, traceparent: Traceparent | undefined): Caller {
  return traceparent === undefined
    ? caller
    : { ...caller, actor: { ...caller.actor, traceparent } };
}

/** The person behind a call. */
export function personOf(caller: Caller): Person {
  return caller.actor.person;
}

/** What the caller may see in lists. */
export function visibilityFor(caller: Caller): Visibility {
  return permits(caller.roles, 'session:read-all')
    ? { kind: 'all' }
    : { kind: 'own', person: personOf(caller) };
}

/** In which capacities the caller stands to this session. */
export function callerCapacities(caller: Caller, session: Session): Capacity[] {
  return capacitiesOf(session, personOf(caller), caller.roles.includes('admin'));
}

/** Whether the caller may know that this session exists. */
export function maySee(caller: Caller, session: Session): boolean {
  return permits(caller.roles, 'session:read-all') || callerCapacities(caller, session).length > 0;
}
