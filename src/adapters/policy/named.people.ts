import type { PeopleDocument, TermsDocument } from '../../contract/policy-terms.schema.js';
import type { ApproverSetDocument } from '../../contract/policy.schema.js';
import type { People } from '../../domain/policy/policy.js';

/** The ApproverSet documents by name. */
export type ApproverSets = ReadonlyMap<string, ApproverSetDocument['spec']>;

/** Of the approver sets that one requirement names: each session that must meet it keeps them, and so does the record. */
const MEMBERS_MAX = 1_000;
/** Of the sets of all requirements of all documents: some 10 MB. Requirements that name the same sets share them. */
const ALL_MEMBERS_MAX = 1_000_000;

/**
 * Who is meant where a document names people: by group, one by one, and by the names of approver sets. Some bytes of a
 * document can name thousands through sets, so there is a bound for each place and for all together, and what the same
 * sets mean is put together once.
 */
export class NamedPeople {
  private readonly known = new Map<string, People>();
  private left = ALL_MEMBERS_MAX;

  constructor(private readonly sets: ApproverSets) {}

  /** Whether all sets that are named are there; who is meant is not known else. */
  has({ approvers }: PeopleDocument): boolean {
    return approvers.every((name) => this.sets.has(name));
  }

  /** Everybody who is meant. @throws where they are too many, which is told of each place before. */
  of(people: PeopleDocument): People {
    const found = this.in(people);
    if (typeof found === 'string') throw new Error(`not checked before: ${found}`);
    return found;
  }

  /** Everybody who is meant, once each, or why they are too many. Sets that are not there have no members. */
  in({ groups, users, approvers }: PeopleDocument): People | string {
    const members = this.membersOf(approvers);
    if (typeof members === 'string' || (groups.length === 0 && users.length === 0)) return members;
    return {
      groups: [...new Set([...groups, ...members.groups])],
      users: [...new Set([...users, ...members.users])],
    };
  }

  private membersOf(approvers: readonly string[]): People | string {
    const names = [...new Set(approvers)].sort();
    const key = JSON.stringify(names);
    const known = this.known.get(key);
    if (known) return known;
    const named = names.flatMap((name) => this.sets.get(name) ?? []);
    const count = named.reduce((sum, it) => sum + it.groups.length + it.users.length, 0);
    if (count > MEMBERS_MAX) {
      return `names approver sets with ${count} groups and users: ${MEMBERS_MAX} at most; name a group that they are all in`;
    }
    if (count > this.left) {
      return `is one of too many places that name different approver sets: these may have ${ALL_MEMBERS_MAX} groups and users at most, each set counted at each place`;
    }
    this.left -= count;
    const people = {
      groups: [...new Set(named.flatMap((it) => it.groups))],
      users: [...new Set(named.flatMap((it) => it.users))],
    };
    this.known.set(key, people);
    return people;
  }
}

/** Where terms name people, with the path below the document. */
export function placesOfPeople(
  terms: TermsDocument | undefined,
): { readonly path: readonly PropertyKey[]; readonly people: PeopleDocument }[] {
  if (terms === undefined) return [];
  const { require, escalation } = terms.approvals;
  const review = terms.breakGlass?.review;
  const approvals = ['spec', 'terms', 'approvals'];
  return [
    ...require.map((people, index) => ({ path: [...approvals, 'require', index], people })),
    ...(escalation ? [{ path: [...approvals, 'escalation'], people: escalation }] : []),
    ...(review ? [{ path: ['spec', 'terms', 'breakGlass', 'review'], people: review }] : []),
  ];
}
