import type { People, Requirement } from './policy.js';

/** As many are named of at most: people read it, and the audit log keeps it. */
const NAMED_MAX = 10;

/** `one of payments-leads or robin`, `2 of security`. */
export function requirementText(requirement: Requirement): string {
  const { count } = requirement;
  return `${count === 1 ? 'one' : count} of ${peopleText(requirement)}`;
}

/** `payments-leads or robin`; of many, the first and how many more. */
export function peopleText({ groups, users }: People): string {
  const all = [...groups, ...users];
  const more = all.length - NAMED_MAX;
  return more > 0 ? `${all.slice(0, NAMED_MAX).join(' or ')} or ${more} more` : all.join(' or ');
}
