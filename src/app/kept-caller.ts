import type { Humans } from '../domain/humans.js';
import type { RoleGroups } from '../domain/permission.js';
import { rolesOf } from '../domain/permission.js';
import type { Actor, Person } from '../domain/person.js';
import type { Caller } from './caller.js';
import { People } from './ports/people.js';

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
export class NamedPeople extends People {
  constructor(
    private readonly kept: People,
    private readonly humans: Humans,
  ) {
    super();
  }

  override async seen(...said: Parameters<People['seen']>): Promise<void> {
    await this.kept.seen(...said);
  }

  override async latest(accounts: Parameters<People['latest']>[0]): Promise<Person[]> {
    const found = await this.kept.latest(accounts);
    return found.map((person) => this.humans.named(person));
  }

  override async named(names: readonly string[]): Promise<Person[]> {
    const found = await this.kept.named(names);
    return found.map((person) => this.humans.named(person));
  }
}
