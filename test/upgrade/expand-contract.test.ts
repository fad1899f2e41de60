import { readMigrations } from '../../src/adapters/prisma/migration.files.js';
import { MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import { describe, expect, test } from 'vitest';
import { notAdditive, statementsOf } from './additive.sql.js';
import { CONTRACT_STEPS, PREVIOUS_RELEASE } from './previous.release.js';

const since = (await readMigrations(MIGRATIONS_DIR)).filter(
  ({ name }) => name > PREVIOUS_RELEASE.newest,
);

describe('a migration since the release before', () => {
  test('only adds, or is listed as the contract step of what was not used any more', () => {
    const found = since
      .filter(({ name }) => !(name in CONTRACT_STEPS))
      .flatMap(({ name, sql }) => notAdditive(sql).map((it) => ({ name, ...it })));
    expect(found).toEqual([]);
  });

  test('says itself that programs which know the schema of that release work with it, or has it said where it can say nothing', () => {
    const rows = since.flatMap(({ sql }) => statementsOf(sql).flatMap(compatibilityRows));
    const silent = since.filter(({ name, sql }) => {
      const said = isBuiltBeside(sql) ? rows : statementsOf(sql).flatMap(compatibilityRows);
      return !said.includes(name);
    });
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test('gives up after two seconds where it waits for a lock that others wait behind, before it waits for any', () => {
    const patient = since.filter(({ sql }) => {
      const [first = '', ...more] = statementsOf(sql);
      const onlySays = [first, ...more].every((it) => SAYS.test(it));
      return !onlySays && !isBuiltBeside(sql) && !GIVES_UP_SOON.test(first);
    });
    expect(patient.map(({ name }) => name)).toEqual([]);
  });

  test('is still there where it is listed as a contract step', () => {
    const names = since.map(({ name }) => name);
    expect(Object.keys(CONTRACT_STEPS).filter((name) => !names.includes(name))).toEqual([]);
  });
});

/**
 * Its first statement. Whoever ends sessions waits behind a migration that waits for a lock; `docs/upgrade.md` says how long.
 */
const GIVES_UP_SOON = /^SET LOCAL lock_timeout = '2s'$/;

const SAYS = /^INSERT INTO "?schema_compatibility"?/i;

/** An index that is built while others write: one statement alone, in no transaction, that nobody waits behind. */
function isBuiltBeside(sql: string): boolean {
  const [first = '', ...more] = statementsOf(sql);
  return more.length === 0 && /^CREATE INDEX CONCURRENTLY /i.test(first);
}

/** The migrations that a statement lets the release before work with. */
function compatibilityRows(statement: string): string[] {
  if (!SAYS.test(statement)) return [];
  const pairs = statement.matchAll(/\('(?<name>\w+)', '(?<needs>\w+)'\)/g);
  return [...pairs].flatMap(({ groups }) =>
    (groups?.['needs'] ?? '9') <= PREVIOUS_RELEASE.newest ? [groups?.['name'] ?? ''] : [],
  );
}

describe('what is taken for additive', () => {
  test.each([
    `CREATE TABLE "a" ("id" INT NOT NULL); CREATE UNIQUE INDEX "b" ON "a" ("id"); ALTER TABLE "a" ADD CHECK ("id" > 0)`,
    `ALTER TABLE "sessions" ADD COLUMN "a" TEXT, ADD COLUMN "b" INT DEFAULT 0`,
    `CREATE INDEX "a" ON "sessions" ("id") WHERE "id" IS NOT NULL; GRANT SELECT ON "a" TO hallpass_service`,
    `CREATE FUNCTION a() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM "b"; END $$;`,
    `-- DROP TABLE "sessions";\nCOMMENT ON TABLE "a" IS 'no DROP; no RENAME';`,
  ])('%s', (sql) => {
    expect(notAdditive(sql)).toEqual([]);
  });

  test.each([
    `DROP TABLE "sessions"`,
    `ALTER TABLE "sessions" DROP COLUMN "a"`,
    `ALTER TABLE "sessions" RENAME COLUMN "a" TO "b"`,
    `ALTER TABLE "sessions" ALTER COLUMN "a" TYPE BIGINT`,
    `ALTER TABLE "sessions" ALTER COLUMN "a" SET NOT NULL`,
    `ALTER TABLE "sessions" ALTER COLUMN "a" DROP NOT NULL`,
    `ALTER TABLE "sessions" ADD COLUMN "a" TEXT, ADD COLUMN "b" INT NOT NULL DEFAULT 0`,
    `ALTER TABLE "sessions" ADD COLUMN "a" TEXT UNIQUE`,
    `ALTER TABLE "sessions" ADD CONSTRAINT "a" CHECK ("b" > 0)`,
    `CREATE UNIQUE INDEX "a" ON "sessions" ("id")`,
    `CREATE TRIGGER "a" BEFORE INSERT ON "sessions" FOR EACH ROW EXECUTE FUNCTION b()`,
    `CREATE OR REPLACE FUNCTION a() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$`,
    `INSERT INTO "end_reasons" ("name") VALUES ('new')`,
    `UPDATE "sessions" SET "a" = 1`,
    `DELETE FROM "sessions"`,
    `TRUNCATE "sessions"`,
    `REVOKE SELECT ON "sessions" FROM hallpass_service`,
    `DO $$ BEGIN DROP TABLE "sessions"; END $$`,
  ])('not: %s', (sql) => {
    expect(notAdditive(sql)).toHaveLength(1);
  });
});
