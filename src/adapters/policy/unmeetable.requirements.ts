import type { TermsDocument } from '../../contract/policy-terms.schema.js';
import type { ApproverSets } from './policy.mapping.js';
import { peopleOf } from './policy.mapping.js';

/**
 * The requirements that ask for more people than there can be: groups may have any number of members, people who are
 * named one by one can be counted. Those of the escalation count for any requirement, so they are counted as well. What
 * names an approver set that is not there is left to whoever tells of that.
 *
 * @returns where each says how many it asks for, below the document, and a sentence.
 */
export function unmeetable(
  terms: TermsDocument | undefined,
  sets: ApproverSets,
): { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  if (terms === undefined) return [];
  const { require, escalation } = terms.approvals;
  return require.flatMap((requirement, index) => {
    const asked = [requirement, ...(escalation ? [escalation] : [])];
    if (asked.some(({ approvers }) => approvers.some((name) => !sets.has(name)))) return [];
    const people = asked.map((it) => peopleOf(it, sets));
    if (people.some(({ groups }) => groups.length > 0)) return [];
    const named = new Set(people.flatMap(({ users }) => users)).size;
    if (named >= requirement.count) return [];
    return [
      {
        path: ['spec', 'terms', 'approvals', 'require', index, 'count'],
        message: `can never be met: ${named === 1 ? 'one person is' : `${named} people are`} named`,
      },
    ];
  });
}
