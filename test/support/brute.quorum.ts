import type { Asked, Word } from '../../src/domain/approval/quorum.js';
import type { Person } from '../../src/domain/person.js';
import { isAmong } from '../../src/domain/person.js';

/** The human behind an account, as far as anybody can know. */
export function humanOf({ iss, sub, human }: Pick<Person, 'iss' | 'sub' | 'human'>): string {
  return human ?? `${iss}|${sub}`;
}

/** How many consents are missing, by trying every way to give each human one place or none: slow, and plainly right. */
export function missingByBruteForce(
  { require, escalated }: Asked,
  requester: Person,
  words: readonly Word[],
): number {
  const humans = new Map<string, Person[]>();
  for (const { person, verdict } of words) {
    const human = humanOf(person);
    if (verdict !== 'approve' || human === humanOf(requester)) continue;
    humans.set(human, [...(humans.get(human) ?? []), person]);
  }
  const most = (left: readonly Person[][], counts: readonly number[]): number => {
    const [accounts, ...rest] = left;
    if (!accounts) return 0;
    return Math.max(
      most(rest, counts),
      ...require.map((it, at) => {
        const places = counts[at] ?? 0;
        const fits = accounts.some(
          (one) => isAmong(one, it) || (escalated !== null && isAmong(one, escalated)),
        );
        return fits && places > 0 ? 1 + most(rest, counts.with(at, places - 1)) : 0;
      }),
    );
  };
  const counts = require.map(({ count }) => count);
  return counts.reduce((sum, it) => sum + it, 0) - most([...humans.values()], counts);
}
