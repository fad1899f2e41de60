import { inject } from 'vitest';
import { z } from 'zod';
import { asAdmin, createDatabase, prepareDatabase } from '../../sandbox/database/hallpass.roles.js';
import { roleUrl } from '../../sandbox/database/role.urls.js';
import { dropDatabase, TEST_ROLES, testDatabaseName } from './postgres.template.js';

export interface TestDatabase {
  /** As the superuser: for what neither role may do. */
  readonly adminUrl: string;
  /** As the role that owns the tables and migrates. */
  readonly ownerUrl: string;
  /** As the role that serves. */
  readonly serviceUrl: string;
  readonly serviceUser: string;
  /** Removes the database, with whoever is connected to it. */
  drop(): Promise<void>;
}

const answer = z.object({ adminUrl: z.string(), name: z.string() });

/** A database of its own on the newest schema, without rows but those of the migrations. */
export async function freshDatabase(): Promise<TestDatabase> {
  const { adminUrl, name: template } = await templateOfRun();
  const database = testDatabaseName();
  await asAdmin(adminUrl, (client) =>
    createDatabase(client, { database, owner: TEST_ROLES.owner, template }),
  );
  return described(adminUrl, database);
}

/** A database of its own in which nothing was done yet. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const { adminUrl } = await templateOfRun();
  const database = testDatabaseName();
  await prepareDatabase({ adminUrl, database, ...TEST_ROLES });
  return described(adminUrl, database);
}

async function templateOfRun(): Promise<z.infer<typeof answer>> {
  const { address, secret } = inject('postgres');
  const response = await fetch(address, { headers: { authorization: secret } });
  const text = await response.text();
  if (!response.ok) throw new Error(`There is no database for tests: ${text}`);
  return answer.parse(JSON.parse(text));
}

function described(adminUrl: string, database: string): TestDatabase {
  return {
    adminUrl: roleUrl(adminUrl, { database }),
    ownerUrl: roleUrl(adminUrl, { database, user: TEST_ROLES.owner }),
    serviceUrl: roleUrl(adminUrl, { database, user: TEST_ROLES.service }),
    serviceUser: TEST_ROLES.service,
    drop: () => dropDatabase(adminUrl, database),
  };
}
