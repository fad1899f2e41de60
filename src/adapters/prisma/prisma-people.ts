import { People } from '../../app/ports/people.js';
import type { Identity, Person } from '../../domain/person.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';

/** Of one account no more humans are kept: a claim that is another in every token tells nothing of humans. */
const HUMANS_MAX = 100;

/** People in PostgreSQL. */
export class PrismaPeople extends People {
  constructor(private readonly database: Database) {
    super();
  }

  async seen(person: Person, issuedAt: Date): Promise<void> {
    const { iss, sub, human = null } = person;
    // No row is written where a newer token is known: that is not for the caller to tell. Whose the account is, by any
    // token, is kept beside what others said of that.
    await this.database.prisma.$executeRaw`
      WITH newest AS (
        INSERT INTO people (iss, sub, person, issued_at, seen_at)
        VALUES (${iss}, ${sub}, ${JSON.stringify(person)}::jsonb, ${issuedAt}::timestamptz, now())
        ON CONFLICT (iss, sub) DO UPDATE SET
          person = EXCLUDED.person, issued_at = EXCLUDED.issued_at, seen_at = EXCLUDED.seen_at
        WHERE people.issued_at <= EXCLUDED.issued_at
      )
      ${keepHumans(Prisma.sql`SELECT ${iss}, ${sub}, ${human}::text, ${issuedAt}::timestamptz`)}`;
  }

  /**
   * Keeps what the configuration says of whose accounts are, as said now: before any token of theirs is seen, for there
   * may never come one.
   */
  async linked(accounts: readonly Required<Identity>[]): Promise<void> {
    if (accounts.length === 0) return;
    const column = (name: keyof Identity) => accounts.map((account) => account[name]);
    await this.database.prisma.$executeRaw(
      keepHumans(Prisma.sql`
        SELECT *, now() FROM unnest(${column('iss')}::text[], ${column('sub')}::text[], ${column('human')}::text[])`),
    );
  }

  async latest(accounts: Parameters<People['latest']>[0]): Promise<Person[]> {
    if (accounts.length === 0) return [];
    const [issuers, subjects] = [accounts.map(({ iss }) => iss), accounts.map(({ sub }) => sub)];
    const rows = await this.database.prisma.$queryRaw<{ person: Person }[]>`
      SELECT person FROM people
      WHERE (iss, sub) IN (SELECT * FROM unnest(${issuers}::text[], ${subjects}::text[]))`;
    return rows.map(({ person }) => person);
  }

  async named(names: readonly string[]): Promise<Person[]> {
    if (names.length === 0) return [];
    const rows = await this.database.prisma.$queryRaw<{ person: Person }[]>`
      SELECT person FROM people
      WHERE sub = ANY(${[...names]}::text[]) OR iss || '|' || sub = ANY(${[...names]}::text[])
      ORDER BY iss, sub LIMIT 100`;
    return rows.map(({ person }) => person);
  }
}

/** @param said accounts, whose they are, and since when that was known to who said it. */
function keepHumans(said: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO known_humans AS k (iss, sub, human, issued_at, first_at, last_at)
    SELECT s.*, now(), now() FROM (${said}) s (iss, sub, human, issued_at)
    WHERE s.human IS NOT NULL AND ${HUMANS_MAX} > (
      SELECT count(*) FROM known_humans o WHERE o.iss = s.iss AND o.sub = s.sub AND o.human <> s.human)
    ON CONFLICT (iss, sub, human) DO UPDATE SET
      issued_at = GREATEST(k.issued_at, EXCLUDED.issued_at), last_at = GREATEST(k.last_at, EXCLUDED.last_at)`;
}
