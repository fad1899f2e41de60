import type { People, Requirement } from './policy.js';

/** `one of payments-leads or robin`, `2 of security`. */
export function requirementText(requirement: Requirement): string {
  const { count } = requirement;
  return `${count === 1 ? 'one' : count} of ${peopleText(requirement)}`;
}

/** `payments-leads or robin`. */
export function peopleText({ groups, users }: People): string {
  return [...groups, ...users].join(' or ');
}
