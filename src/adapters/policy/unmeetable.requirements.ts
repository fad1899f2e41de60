import type { TermsDocument } from '../../contract/policy-terms.schema.js';
import type { NamedPeople } from './named.people.js';
import { placesOfPeople } from './named.people.js';

/** What is wrong below a document. */
interface Mistake {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What is wrong with whom terms name: too many of them, or fewer than must agree. Groups may have any number of members,
 * people who are named one by one can be counted. Those of the escalation count for any requirement, so they are counted
 * as well. What names an approver set that is not there is left to whoever tells of that.
 */
export function unmeetable(terms: TermsDocument | undefined, named: NamedPeople): Mistake[] {
  const tooMany = placesOfPeople(terms).flatMap(({ path, people }) => {
    const found = named.in(people);
    return typeof found === 'string' ? [{ path: [...path, 'approvers'], message: found }] : [];
  });
  return tooMany.length > 0 || terms === undefined ? tooMany : tooFew(terms, named);
}

function tooFew({ approvals: { require, escalation } }: TermsDocument, named: NamedPeople) {
  return require.flatMap((requirement, index): Mistake[] => {
    const asked = [requirement, ...(escalation ? [escalation] : [])];
    if (!asked.every((it) => named.has(it))) return [];
    const people = asked.map((it) => named.of(it));
    if (people.some(({ groups }) => groups.length > 0)) return [];
    const count = new Set(people.flatMap(({ users }) => users)).size;
    if (count >= requirement.count) return [];
    return [
      {
        path: ['spec', 'terms', 'approvals', 'require', index, 'count'],
        message: `can never be met: ${count === 1 ? 'one person is' : `${count} people are`} named`,
      },
    ];
  });
}
