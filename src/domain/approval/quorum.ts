import type { Person } from '../person.js';
import { samePerson } from '../person.js';
import type { Approvals } from '../policy/policy.js';
import type { Consent } from '../session/session.js';

/** How many more consents are needed, and whose consents count. */
export interface Quorum {
  readonly missing: number;
  readonly counted: readonly Person[];
}

/**
 * Counts consents towards `approvals`: distinct people, in one of the groups when they consented, never the requester
 * (four eyes). One person counts once, whatever they send and however many groups they are in.
 */
export function quorum(
  approvals: Approvals,
  requester: Person,
  consents: readonly Consent[],
): Quorum {
  const counted: Person[] = [];
  for (const { person, verdict } of consents) {
    const may = approvals.groups.some((group) => person.groups.includes(group));
    if (verdict !== 'approve' || !may || samePerson(person, requester)) continue;
    if (!counted.some((other) => samePerson(other, person))) counted.push(person);
  }
  return { missing: Math.max(0, approvals.count - counted.length), counted };
}
