import type { Person } from '../person.js';
import { isAmong, samePerson } from '../person.js';
import type { Approvals, Requirement } from '../policy/policy.js';
import type { Consent } from '../session/session.js';

/** What is asked of whom, as far as it goes now. */
export interface Asked {
  /** The requirements that must be met; none where the glass was broken. */
  readonly require: readonly Requirement[];
  /** Whose consents count for any requirement, once the time for that has come; null before. */
  readonly escalated: Approvals['escalation'];
}

/** How many more consents are needed, whose count, and which requirements are not met yet. */
export interface Quorum {
  readonly missing: number;
  readonly counted: readonly Person[];
  /** Each with as many as it still lacks; those that are met are left out. */
  readonly open: readonly Requirement[];
}

/**
 * Counts consents towards requirements: distinct people, each towards one place in one requirement however many groups
 * they are in, never the requester (four eyes) nor another account of theirs. Where somebody fits several requirements,
 * places are given so that as many consents as can be count (a maximum matching), whatever their order.
 *
 * @param consents those that stand; a person's groups are those that they have now.
 */
export function quorum(
  asked: Asked,
  requester: Person,
  consents: readonly Pick<Consent, 'person' | 'verdict'>[],
): Quorum {
  const people: Person[] = [];
  for (const { person, verdict } of consents) {
    if (verdict !== 'approve' || samePerson(person, requester)) continue;
    if (!people.some((other) => samePerson(other, person))) people.push(person);
  }
  const places = asked.require.flatMap((requirement) =>
    Array.from({ length: requirement.count }, () => requirement),
  );
  const fits = (person: Person, requirement: Requirement): boolean =>
    isAmong(person, requirement) || (asked.escalated !== null && isAmong(person, asked.escalated));
  const taken = match(people, places, fits);
  const counted = people.filter((person) => taken.includes(person));
  const open = asked.require.flatMap((requirement) => {
    const count = places.filter((it, at) => it === requirement && taken[at] === undefined).length;
    return count === 0 ? [] : [{ ...requirement, count }];
  });
  return { missing: places.length - counted.length, counted, open };
}

/**
 * A maximum matching by augmenting paths (Kuhn): who takes each place. Whoever has a place keeps one when others are
 * seated. Places and people are few: both are bounded where documents are read and where consents are taken.
 */
function match<P, Q>(
  people: readonly P[],
  places: readonly Q[],
  fits: (person: P, place: Q) => boolean,
): (P | undefined)[] {
  const taken = places.map((): P | undefined => undefined);
  const seat = (person: P, tried: Set<number>): boolean =>
    places.some((place, at) => {
      if (tried.has(at) || !fits(person, place)) return false;
      tried.add(at);
      const holder = taken[at];
      if (holder !== undefined && !seat(holder, tried)) return false;
      taken[at] = person;
      return true;
    });
  for (const person of people) seat(person, new Set());
  return taken;
}
