import type { PolicyStanding } from '../follow-policies.js';

/** What readiness says of the policies: the replica serves in any case, and an operator should know. */
export function policyReadiness(standing: PolicyStanding): true | { ok: true; note: string } {
  const note = noteOf(standing);
  return note === undefined ? true : { ok: true, note };
}

/** Errors quote documents, and are for the log: only how many there are is told here. */
function noteOf({ inForce, folder, errors, isBlocked }: PolicyStanding): string | undefined {
  const hash = inForce.hash.slice(0, 12);
  if (isBlocked) {
    return `the policy set in force (${hash}) cannot be read by this version: nothing is decided here`;
  }
  switch (folder) {
    case 'force':
      return undefined;
    case 'another':
      return `the folders of this replica hold another policy set than the one in force (${hash})`;
    case 'refused':
      return `the documents in the folders of this replica are refused (${errors.length} errors, in the log): the policy set ${hash} stays in force`;
  }
}
