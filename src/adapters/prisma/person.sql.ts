import type { Identity } from '../../domain/person.js';
import { Prisma } from './generated/client.js';

/**
 * Accounts, whose they are or were (`human`), and how long (`until`): for good where nothing newer says that they are
 * somebody else's, and otherwise until something first did. What names nobody says nothing: it takes no link back.
 */
const LINKS = Prisma.raw(`
  SELECT k.iss, k.sub, k.human, COALESCE(
    (SELECT GREATEST(min(n.first_at), k.last_at) FROM known_humans n
      WHERE n.iss = k.iss AND n.sub = k.sub AND (n.issued_at, n.last_at) > (k.issued_at, k.last_at)
      HAVING count(*) > 0),
    'infinity') AS until
  FROM known_humans k`);

/**
 * Common table expressions of who somebody is, by what is known now and by their own token, whichever says more:
 * `links` of all accounts, `names` that they go or went by with `until`, and `accounts` that are theirs now.
 */
export function personTables(person: Identity): Prisma.Sql {
  const { iss, sub, human = null } = person;
  return Prisma.sql`
    links AS NOT MATERIALIZED (${LINKS}),
    names AS MATERIALIZED (
      SELECT ${human}::text AS human, 'infinity'::timestamptz AS until WHERE ${human}::text IS NOT NULL
      UNION SELECT human, until FROM links WHERE iss = ${iss} AND sub = ${sub}
    ),
    humans AS MATERIALIZED (SELECT DISTINCT human FROM names WHERE until = 'infinity'),
    accounts AS MATERIALIZED (
      SELECT ${iss}::text AS iss, ${sub}::text AS sub
      UNION SELECT l.iss, l.sub FROM humans h JOIN links l USING (human) WHERE l.until = 'infinity'
    )`;
}

/**
 * Whether a debt (`o`) is theirs: their account's, or taken on while the debtor was one human with them. Links that end
 * later take no debt away: it is reviewed, or it stays.
 */
export function isDebtOf({ iss, sub }: Identity): Prisma.Sql {
  return Prisma.sql`(
    (o.iss = ${iss} AND o.sub = ${sub})
    OR EXISTS (
      SELECT FROM names m WHERE o.at <= m.until AND (o.human = m.human OR EXISTS (
        SELECT FROM links l WHERE l.iss = o.iss AND l.sub = o.sub AND l.human = m.human AND o.at <= l.until))))`;
}

/** Their sessions (`s`, with `columns`) of which this is so, each once, by the indexes of accounts and of humans. */
export function sessionsOfPerson(columns: Prisma.Sql, isSo: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    SELECT ${columns} FROM accounts a JOIN sessions s ON s.requester_iss = a.iss AND s.requester_sub = a.sub WHERE ${isSo}
    UNION SELECT ${columns} FROM humans h JOIN sessions s ON s.requester_human = h.human WHERE ${isSo}`;
}
