import type { Humans } from '../domain/humans.js';
import type { RoleGroups } from '../domain/permission.js';
import { rolesOf } from '../domain/permission.js';
import type { Actor, Person } from '../domain/person.js';
import type { Caller } from './caller.js';
import type { People } from './ports/people.js';
import { replacing } from './replacing.js';

/** What is needed to take somebody who was kept for a caller. */
export interface CallerRules {
  readonly roleGroups: RoleGroups;
  readonly humans: Humans;
}

/** A caller who shows no token now: as they were kept when they last did, and as the configuration knows them today. */
export function keptCaller(
  kept: Person,
  how: Omit<Extract<Actor, { kind: 'person' }>, 'kind' | 'person'>,
  { roleGroups, humans }: CallerRules,
): Caller {
  const person = humans.named(kept);
  return { actor: { kind: 'person', person, ...how }, roles: rolesOf(person, roleGroups) };
}

/** People as they were kept, and as the configuration knows them today. */
export function namedPeople(kept: People, humans: Humans): People {
  const named = (found: readonly Person[]) => found.map((person) => humans.named(person));
  return replacing(kept, {
    latest: async (accounts) => named(await kept.latest(accounts)),
    named: async (names) => named(await kept.named(names)),
  });
}
