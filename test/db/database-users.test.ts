import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { migrate, MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import { databaseRefusal } from '../../src/database.refusal.js';
import type { TestDatabase } from '../support/postgres.js';
import { emptyDatabase, freshDatabase } from '../support/postgres.js';

const ROLE = `somebody_${process.pid}`;
const PASSWORD = 'a-password-that-nobody-may-see';

let full: TestDatabase;
let empty: TestDatabase;
beforeAll(async () => {
  [full, empty] = await Promise.all([freshDatabase(), emptyDatabase()]);
});
afterAll(async () => {
  await dropRole();
  await Promise.all([full.drop(), empty.drop()]);
});

const sql = (text: string, { adminUrl } = full) =>
  asAdmin(adminUrl, (client) => client.query(text));

async function dropRole(): Promise<void> {
  for (const database of [full, empty]) {
    await sql(
      `DO $$ BEGIN IF to_regrole('${ROLE}') IS NOT NULL THEN DROP OWNED BY ${ROLE}; END IF; END $$`,
      database,
    );
  }
  await sql(`DROP ROLE IF EXISTS ${ROLE}`);
}

/** The role, made anew with this, and a URL for it. */
async function role(setUp: readonly string[], at = full): Promise<string> {
  await dropRole();
  await sql(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`);
  for (const text of setUp) await sql(text, at);
  const url = new URL(at.serviceUrl);
  url.username = ROLE;
  url.password = PASSWORD;
  return url.href;
}

interface Case {
  readonly what: string;
  readonly setUp: readonly string[];
  readonly says: readonly string[];
  readonly change?: (url: URL) => void;
}

const MEMBER = `GRANT hallpass_service TO ${ROLE}`;

const SERVING: readonly Case[] = [
  {
    what: 'whose password is another one',
    setUp: [MEMBER],
    change: (url) => (url.password = 'wrong'),
    says: [`password authentication failed for user "${ROLE}"`, '`database.url`'],
  },
  {
    what: 'that is not there',
    setUp: [],
    change: (url) => (url.username = 'nobody_at_all'),
    says: ['"nobody_at_all"', '`database.url`'],
  },
  {
    what: 'of a database that is not there',
    setUp: [MEMBER],
    change: (url) => (url.pathname = '/no_such_database'),
    says: ['database "no_such_database" does not exist'],
  },
  {
    what: 'that has no rights at all',
    setUp: [],
    says: [`The role ${ROLE} lacks`, 'hallpass-server migrate', 'GRANT hallpass_service TO'],
  },
  {
    what: 'that may only read',
    setUp: [`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${ROLE}`],
    says: [`The role ${ROLE} lacks`, 'INSERT on ', ' more)', 'grants hallpass_service'],
  },
  {
    what: 'that is a member and inherits nothing',
    setUp: [`${MEMBER} WITH INHERIT FALSE`],
    says: [
      `The role ${ROLE} lacks`,
      `GRANT hallpass_service TO ${ROLE}; a member that does not inherit`,
    ],
  },
  {
    what: 'that may delete from the audit log',
    setUp: [MEMBER, `GRANT DELETE ON audit_events TO ${ROLE}`],
    says: [
      `The role ${ROLE} may delete audit events`,
      'a role of the service’s own'.replace('’', "'"),
    ],
  },
  {
    what: 'whose transactions only read',
    setUp: [MEMBER, `ALTER ROLE ${ROLE} SET default_transaction_read_only = on`],
    says: ['takes no writes', 'default_transaction_read_only', 'ALTER ROLE'],
  },
  {
    what: 'that is a superuser',
    setUp: [`ALTER ROLE ${ROLE} SUPERUSER`],
    says: [`The role ${ROLE} is a superuser`],
  },
];

describe('a role that serves', () => {
  test.each(SERVING)(
    '$what is refused at the start, in one sentence that says what to do',
    async ({ setUp, change, says }) => {
      const url = new URL(await role(setUp));
      change?.(url);
      const database = new Database({ url: url.href, poolSize: 1 }, () => undefined);
      try {
        const refused = (await databaseRefusal(database)) ?? '';
        for (const words of says) expect(refused).toContain(words);
        expect(refused).toMatch(/^[A-Z][^\n]+\.$/);
        expect(refused).not.toContain(PASSWORD);
      } finally {
        await database.close();
      }
    },
  );

  test('that is a member of hallpass_service, and no more, may', async () => {
    const database = new Database({ url: await role([MEMBER]), poolSize: 1 }, () => undefined);
    expect(await databaseRefusal(database)).toBeUndefined();
    await database.close();
  });
});

const MIGRATING: readonly (Case & { readonly on?: 'full' | 'empty'; readonly reason: string })[] = [
  {
    what: 'whose password is another one',
    setUp: [],
    change: (url) => (url.password = 'wrong'),
    reason: 'unreachable',
    says: [`as the role ${ROLE}`, 'the password is not accepted'],
  },
  {
    what: 'that may not make tables',
    on: 'empty',
    setUp: [],
    reason: 'not-allowed',
    says: [`The role ${ROLE} may not create tables`, 'ALTER DATABASE', `OWNER TO "${ROLE}"`],
  },
  {
    what: 'that serves',
    setUp: [MEMBER],
    reason: 'not-allowed',
    says: [`The role ${ROLE} may not create tables`],
  },
  {
    what: 'that may make tables and owns none of those that are there',
    setUp: [`GRANT CREATE ON SCHEMA public TO ${ROLE}`],
    reason: 'not-allowed',
    says: [`The role ${ROLE} does not own the tables of Hallpass`, '`database.ownerUrl`'],
  },
];

describe('a role that migrates', () => {
  test.each(MIGRATING)(
    '$what is refused before anything is done, in one sentence',
    async ({ setUp, change, says, reason, on = 'full' }) => {
      const at = on === 'full' ? full : empty;
      const url = new URL(await role(setUp, at));
      change?.(url);
      const report = await migrate({
        ...{ ownerUrl: url.href, migrationsDir: MIGRATIONS_DIR, log: () => undefined },
        serviceUser: at.serviceUser,
      });
      expect(report).toMatchObject({ kind: 'refused', reason });
      const sentence = 'sentence' in report ? report.sentence : '';
      for (const words of says) expect(sentence).toContain(words);
      expect(sentence).toMatch(/^[A-Z][^\n]+\.$/);
      expect(sentence).not.toContain(PASSWORD);
    },
  );
});
