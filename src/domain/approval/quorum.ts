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

/** A word on a session, as far as counting goes. */
export type Word = Pick<Consent, 'person' | 'verdict'>;

/** How many more consents are needed, whose count, and which requirements are not met yet. */
export interface Quorum {
  readonly missing: number;
  readonly counted: readonly Person[];
  /** Each with as many as it still lacks; those that are met are left out. */
  readonly open: readonly Requirement[];
}

/** One human, by the accounts that they consented with. */
type Human = readonly [Person, ...Person[]];

/**
 * Counts consents towards requirements: distinct people, each towards one place in one requirement however many groups
 * and accounts they have, never the requester (four eyes) nor another account of theirs. Where somebody fits several
 * requirements, places are given so that as many consents as can be count (a maximum matching), whatever their order.
 *
 * @param consents those that stand; a person's groups are those that they have now.
 */
export function quorum(asked: Asked, requester: Person, consents: readonly Word[]): Quorum {
  const humans = humansOf([
    requester,
    ...consents.filter(({ verdict }) => verdict === 'approve').map(({ person }) => person),
  ]).filter((accounts) => !accounts.some((account) => samePerson(account, requester)));
  const places = asked.require.flatMap(({ count }, of) => Array.from({ length: count }, () => of));
  const fits = (accounts: Human, of: number): boolean =>
    accounts.some(
      (account) =>
        isAmong(account, asked.require[of] ?? NOBODY) ||
        isAmong(account, asked.escalated ?? NOBODY),
    );
  const taken = match(humans, places, fits);
  const counted = humans.filter((human) => taken.includes(human)).map(([account]) => account);
  const open = asked.require.flatMap((requirement, of) => {
    const count = places.filter((it, at) => it === of && taken[at] === undefined).length;
    return count === 0 ? [] : [{ ...requirement, count }];
  });
  return { missing: places.length - counted.length, counted, open };
}

/**
 * Whether a consent of this person, on top of those that stand, would bring the session nearer to its quorum, or finds
 * it met already: somebody who lost a group in between may have it again. Never the requester's.
 */
export function wouldCount(
  asked: Asked,
  requester: Person,
  { person, consents }: { person: Person; consents: readonly Word[] },
): boolean {
  if (samePerson(person, requester)) return false;
  const after = quorum(asked, requester, [...consents, { person, verdict: 'approve' }]).missing;
  return after === 0 || after < quorum(asked, requester, consents).missing;
}

const NOBODY = { groups: [], users: [] };

/** Accounts put together by the human they belong to, where that is known, whatever their order. */
function humansOf(accounts: readonly Person[]): Human[] {
  let humans: Human[] = [];
  for (const account of accounts) {
    const same = humans.filter((human) => human.some((other) => samePerson(other, account)));
    const [first, ...rest] = same.flat();
    const human: Human = first ? [first, ...rest, account] : [account];
    humans = [...humans.filter((it) => !same.includes(it)), human];
  }
  return humans;
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
