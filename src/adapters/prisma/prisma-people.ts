import { People } from '../../app/ports/people.js';
import type { Person } from '../../domain/person.js';
import type { Database } from './database.js';

/** People in PostgreSQL. */
export class PrismaPeople extends People {
  constructor(private readonly database: Database) {
    super();
  }

  async seen(person: Person, issuedAt: Date): Promise<void> {
    // No row is written where a newer token is known: that is not for the caller to tell.
    await this.database.prisma.$executeRaw`
      INSERT INTO people (iss, sub, person, issued_at, seen_at)
      VALUES (${person.iss}, ${person.sub}, ${JSON.stringify(person)}::jsonb, ${issuedAt}::timestamptz, now())
      ON CONFLICT (iss, sub) DO UPDATE SET
        person = EXCLUDED.person, issued_at = EXCLUDED.issued_at, seen_at = EXCLUDED.seen_at
      WHERE people.issued_at <= EXCLUDED.issued_at`;
  }

  async latest(accounts: Parameters<People['latest']>[0]): Promise<Person[]> {
    if (accounts.length === 0) return [];
    const [issuers, subjects] = [accounts.map(({ iss }) => iss), accounts.map(({ sub }) => sub)];
    const rows = await this.database.prisma.$queryRaw<{ person: Person }[]>`
      SELECT person FROM people
      WHERE (iss, sub) IN (SELECT * FROM unnest(${issuers}::text[], ${subjects}::text[]))`;
    return rows.map(({ person }) => person);
  }
}
