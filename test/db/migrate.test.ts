import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { MigrateOptions } from '../../src/adapters/prisma/migrate.runner.js';
import {
  migrate,
  MIGRATIONS_DIR,
  schemaSentence,
  schemaState,
} from '../../src/adapters/prisma/migrate.runner.js';
import { migrationStatus } from '../../src/adapters/prisma/migrate.status.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import { invariant } from '../../src/domain/problem.js';
import type { SessionId } from '../../src/domain/session/session.js';
import { TERMS } from '../support/policies.js';
import type { TestDatabase } from '../support/postgres.js';
import { emptyDatabase } from '../support/postgres.js';

const FIRST = '20261124000000_sessions';
/** By their names, which are their order. */
const ALL = (await readdir(MIGRATIONS_DIR)).toSorted();

let database: TestDatabase;
let folder: string;
const said: string[] = [];

beforeEach(async () => {
  said.length = 0;
  database = await emptyDatabase();
  folder = await mkdtemp(join(tmpdir(), 'hallpass-migrations-'));
  await cp(MIGRATIONS_DIR, folder, { recursive: true });
});
afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const run = (more: Partial<MigrateOptions> = {}) =>
  migrate({
    ownerUrl: database.ownerUrl,
    serviceUser: database.serviceUser,
    migrationsDir: folder,
    log: (line) => said.push(line),
    ...more,
  });

async function addMigration(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, 'migration.sql'), sql);
}

/** Rows of a query as a role of the database. */
async function rows(url: string, sql: string, values: unknown[] = []): Promise<unknown[]> {
  return asAdmin(url, async (client) => (await client.query<object>(sql, values)).rows);
}

const stateSeenByService = () =>
  asAdmin(database.serviceUrl, (client) => schemaState(client, folder));

describe('migrating', () => {
  test('brings an empty database to the newest schema, and then has nothing to do', async () => {
    expect(await run()).toMatchObject({ kind: 'migrated', applied: ALL });
    expect(await run()).toMatchObject({ kind: 'migrated', applied: [] });
    expect(await stateSeenByService()).toEqual({ kind: 'current' });
  });

  test('leaves the rows that `prisma migrate` would: names, SHA-256 of the file, finished, one step', async () => {
    await run();
    const expected = ALL.map(async (name) => ({
      migration_name: name,
      checksum: createHash('sha256')
        .update(await readFile(join(folder, name, 'migration.sql')))
        .digest('hex'),
      done: true,
      rolled_back_at: null,
      logs: null,
      applied_steps_count: 1,
    }));
    expect(
      await rows(
        database.ownerUrl,
        `SELECT migration_name, checksum, finished_at IS NOT NULL AS done, rolled_back_at, logs, applied_steps_count
           FROM _prisma_migrations ORDER BY migration_name`,
      ),
    ).toEqual(await Promise.all(expected));
  });

  test('goes on from what `prisma migrate deploy` has applied', async () => {
    await run();
    await addMigration('20270101000000_by_prisma', 'CREATE TABLE by_prisma (id INT)');
    const sql = await readFile(join(folder, '20270101000000_by_prisma', 'migration.sql'));
    await asAdmin(database.ownerUrl, async (client) => {
      await client.query('CREATE TABLE by_prisma (id INT)');
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
         VALUES ($1, $2, '20270101000000_by_prisma', now(), 1)`,
        [randomUUID(), createHash('sha256').update(sql).digest('hex')],
      );
    });
    expect(await run()).toMatchObject({ kind: 'migrated', applied: [] });
  });

  test('is done once by many at the same time, and the others see it done', async () => {
    const reports = await Promise.all(Array.from({ length: 6 }, () => run()));
    expect(reports.map(({ kind }) => kind)).toEqual(Array(6).fill('migrated'));
    expect(reports.flatMap(({ applied }) => applied)).toEqual(ALL);
  });

  test('waits for no longer than it is told while another one holds the lock', async () => {
    await asAdmin(database.ownerUrl, async (client) => {
      await client.query('SELECT pg_advisory_lock(72707369)');
      expect(await run({ lockWaitMs: 1 })).toMatchObject({ kind: 'refused', reason: 'locked' });
    });
  });

  test('says what it would do, and does nothing, when only asked', async () => {
    expect(await run({ isDryRun: true })).toMatchObject({ applied: [], wouldApply: ALL });
    expect(await rows(database.ownerUrl, `SELECT to_regclass('sessions') AS there`)).toEqual([
      { there: null },
    ]);
  });

  test('undoes a script that fails, says why and at which line, and stops until that is settled', async () => {
    await addMigration('20270101000000_wrong', 'CREATE TABLE fine (id INT);\nSELECT nonsense;\n');
    await addMigration('20270102000000_later', 'CREATE TABLE later (id INT)');
    const failed = await run();
    expect(failed).toMatchObject({ kind: 'refused', reason: 'failed', applied: ALL });
    expect(failed).toHaveProperty('sentence', expect.stringContaining('line 2'));
    expect(
      await rows(
        database.ownerUrl,
        `SELECT to_regclass('fine') AS fine, to_regclass('later') AS later`,
      ),
    ).toEqual([{ fine: null, later: null }]);
    expect(await run()).toMatchObject({ kind: 'refused', reason: 'schema' });
    expect(await stateSeenByService()).toEqual({
      kind: 'failed',
      migration: '20270101000000_wrong',
    });

    await writeFile(join(folder, '20270101000000_wrong', 'migration.sql'), 'CREATE TABLE fine ()');
    expect(await run({ rolledBack: '20270101000000_wrong' })).toMatchObject({
      kind: 'migrated',
      applied: ['20270101000000_wrong', '20270102000000_later'],
    });
  });

  test('runs a script that PostgreSQL will have in no transaction', async () => {
    await run();
    await addMigration(
      '20270101000000_index',
      'CREATE INDEX CONCURRENTLY more ON sessions (created_at)',
    );
    expect(await run()).toMatchObject({ applied: ['20270101000000_index'] });
  });

  test('builds an index anew of which the build got no lock', async () => {
    await run();
    await rows(
      database.ownerUrl,
      `CREATE TABLE calm (); CREATE TABLE busy (id INT); INSERT INTO busy VALUES (1);
       CREATE FUNCTION when_calm(INT) RETURNS INT LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
         IF NOT EXISTS (SELECT FROM public.calm) THEN RAISE 'not now' USING ERRCODE = 'lock_not_available'; END IF;
         RETURN 1;
       END $$`,
    );
    await addMigration(
      '20270101000000_index',
      '-- Apart.\nCREATE INDEX CONCURRENTLY "more" ON busy (when_calm(id));',
    );
    const half = `SELECT indisvalid AS whole FROM pg_index WHERE indexrelid = to_regclass('more')`;
    const failed = await run();
    expect(failed).toHaveProperty('sentence', expect.stringContaining('run it again when'));
    expect(await rows(database.ownerUrl, half)).toEqual([{ whole: false }]);

    await rows(database.ownerUrl, 'INSERT INTO calm DEFAULT VALUES');
    expect(await run()).toMatchObject({ applied: ['20270101000000_index'] });
    expect(await rows(database.ownerUrl, half)).toEqual([{ whole: true }]);
  });

  describe('a build of an index that was cut short', () => {
    const BUILD = '20270101000000_index';
    const standing = `SELECT indexrelid, indisvalid AS whole FROM pg_index WHERE indexrelid = to_regclass('more')`;
    const attempts = `SELECT finished_at IS NOT NULL AS finished, rolled_back_at IS NOT NULL AS rolled_back
      FROM _prisma_migrations WHERE migration_name = '${BUILD}' ORDER BY started_at`;
    const unfinished = `UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0
      WHERE migration_name = '${BUILD}'`;
    const index = async () => (await rows(database.ownerUrl, standing))[0];

    beforeEach(async () => {
      await run();
      await addMigration(
        BUILD,
        '-- Apart.\nCREATE INDEX CONCURRENTLY "more" ON "sessions" (created_at);\n',
      );
    });

    /** A migration of which the server ends the connection while it waits for somebody who writes. */
    async function killed(): Promise<unknown> {
      return asAdmin(database.ownerUrl, async (writer) => {
        await writer.query('BEGIN; LOCK TABLE sessions IN ROW EXCLUSIVE MODE');
        const running = run();
        await expect.poll(index, { timeout: 20_000 }).toMatchObject({ whole: false });
        await rows(
          database.adminUrl,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'hallpass migrate'`,
        );
        return running;
      });
    }

    test('by whoever killed it is begun anew by the next run, which takes away what it left', async () => {
      expect(await killed()).toMatchObject({ kind: 'refused', reason: 'unreachable' });
      expect(await index()).toMatchObject({ whole: false });
      expect(await stateSeenByService()).toEqual({ kind: 'failed', migration: BUILD });
      const status = await migrationStatus({ ownerUrl: database.ownerUrl, migrationsDir: folder });
      expect(status).toHaveProperty(
        'sentence',
        expect.stringMatching(/run `hallpass-server migrate`,/),
      );
      expect(await run({ isDryRun: true })).toMatchObject({ wouldApply: [BUILD] });

      expect(await run()).toMatchObject({ kind: 'migrated', applied: [BUILD] });
      expect(await index()).toMatchObject({ whole: true });
      expect(await stateSeenByService()).toEqual({ kind: 'current' });
      expect(await rows(database.ownerUrl, attempts)).toEqual([
        { finished: false, rolled_back: true },
        { finished: true, rolled_back: false },
      ]);
      expect(said).toContainEqual(expect.stringContaining(`${BUILD} had been interrupted`));
    });

    test('before there was anything of it is begun anew as well', async () => {
      await run();
      await rows(database.ownerUrl, `${unfinished}; DROP INDEX more`);
      expect(await run()).toMatchObject({ kind: 'migrated', applied: [BUILD] });
      expect(await index()).toMatchObject({ whole: true });
    });

    test('by an error is begun anew once the cause is mended', async () => {
      await rows(
        database.ownerUrl,
        `CREATE TABLE uneven (a INT); INSERT INTO uneven VALUES (1), (1)`,
      );
      const sql = 'CREATE UNIQUE INDEX CONCURRENTLY more ON uneven (a)';
      await writeFile(join(folder, BUILD, 'migration.sql'), sql);
      const failed = await run();
      expect(failed).toMatchObject({ kind: 'refused', reason: 'failed' });
      expect(failed).toHaveProperty(
        'sentence',
        expect.stringMatching(/Mend the cause, and run it again,/),
      );
      expect(await index()).toMatchObject({ whole: false });

      await rows(database.ownerUrl, 'TRUNCATE uneven');
      expect(await run()).toMatchObject({ kind: 'migrated', applied: [BUILD] });
      expect(await index()).toMatchObject({ whole: true });
    });

    test('after the index was whole is applied, and the index stays as it is', async () => {
      await run();
      const before = await index();
      await rows(database.ownerUrl, unfinished);
      expect(await run()).toMatchObject({ applied: [], state: { kind: 'current' } });
      expect(await index()).toEqual(before);
      expect(await rows(database.ownerUrl, attempts)).toEqual([
        { finished: true, rolled_back: false },
      ]);
    });

    test('of another text is left to people, with what it left', async () => {
      await killed();
      await writeFile(
        join(folder, BUILD, 'migration.sql'),
        'CREATE INDEX CONCURRENTLY "more" ON "sessions" (updated_at);',
      );
      const refused = await run();
      expect(refused).toMatchObject({ kind: 'refused', reason: 'schema' });
      expect(refused).toHaveProperty('sentence', expect.stringContaining('--rolled-back'));
      expect(await index()).toMatchObject({ whole: false });
    });

    test('is not one that met an index of that name: that is left to people, and stays', async () => {
      await rows(database.ownerUrl, 'CREATE INDEX more ON sessions (updated_at)');
      const before = await index();
      expect(await run()).toMatchObject({ kind: 'refused', reason: 'failed' });
      expect(await run()).toMatchObject({ kind: 'refused', reason: 'schema' });
      expect(await index()).toEqual(before);
    });
  });

  test('refuses a database that holds the tables of another program', async () => {
    await rows(database.ownerUrl, 'CREATE TABLE invoices (id INT)');
    const report = await run();
    expect(report).toMatchObject({ kind: 'refused', reason: 'not-empty' });
    expect(report).toHaveProperty('sentence', expect.stringContaining('invoices'));
  });

  test('refuses a service role that is not there, and says how to make it', async () => {
    const report = await run({ serviceUser: 'nobody"s' });
    expect(report).toMatchObject({ kind: 'refused', reason: 'not-allowed' });
    expect(report).toHaveProperty('sentence', expect.stringContaining('CREATE ROLE "nobody""s"'));
  });

  test('says that a server does not answer without repeating the password', async () => {
    const report = await run({ ownerUrl: 'postgresql://owner:hunter2@127.0.0.1:1/hallpass' });
    expect(report).toMatchObject({ kind: 'refused', reason: 'unreachable' });
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });
});

describe('sessions from before the policy language', () => {
  const REQUEST = {
    cluster: 'prod',
    namespace: 'payments',
    target: { kind: 'pod', name: 'web' },
    profile: 'shell',
    reason: 'orders are stuck',
    durationSeconds: 600,
    start: 'manual',
  };
  const GRANT = {
    policyHash: 'a'.repeat(64),
    rule: 'oncall',
    profile: { name: 'shell', image: 'busybox', env: [], shell: '/bin/sh' },
    terms: {
      longestSeconds: 3600,
      approvals: { count: 1, groups: ['payments-leads'] },
      reasonRequired: true,
      ticketRequired: false,
      onOverrun: 'alert',
    },
  };

  test('are read on what they were granted, in today’s words', async () => {
    for (const later of ALL.slice(1)) await rm(join(folder, later), { recursive: true });
    await run();
    await asAdmin(database.ownerUrl, async (client) => {
      await client.query('BEGIN');
      await client.query(`INSERT INTO policy_sets (hash, documents) VALUES ($1, '[]')`, [
        GRANT.policyHash,
      ]);
      await client.query(
        `INSERT INTO sessions (id, version, state, cluster, namespace, requester_iss, requester_sub, requester, request,
           policy_hash, "grant", approver_groups, created_at, updated_at)
         VALUES ('0123456789abcdef', 1, 'pending', 'prod', 'payments', 'https://i', 'robin',
           '{"iss": "https://i", "sub": "robin", "groups": []}', $1, $2, $3, '{payments-leads}', now(), now())`,
        [REQUEST, GRANT.policyHash, GRANT],
      );
      await client.query(
        `INSERT INTO session_events (session_id, seq, from_state, event, to_state, at, actor, data)
         VALUES ('0123456789abcdef', 1, 'new', 'ask', 'pending', now(), '{}', '{}')`,
      );
      await client.query('COMMIT');
    });
    await cp(MIGRATIONS_DIR, folder, { recursive: true });
    await run();

    await using stack = new AsyncDisposableStack();
    const reading = new Database({ url: database.serviceUrl, poolSize: 1 }, () => undefined);
    stack.defer(() => reading.close());
    const session = await new PrismaSessionStore(reading).find('0123456789abcdef' as SessionId);
    expect(session?.request).toEqual({ ...REQUEST, breakGlass: false });
    expect(session?.grant).toMatchObject({ rule: 'oncall', breakGlass: false });
    const { approvals, ...terms } = invariant(session?.grant, 'a grant').terms;
    expect(approvals).toEqual({
      require: [{ count: 1, groups: ['payments-leads'], users: [] }],
      commentRequired: false,
      escalation: null,
    });
    expect(terms).toMatchObject({
      reason: { required: true, pattern: null },
      concurrent: { perPerson: null, perPod: null },
      fileCopies: 'none',
      breakGlass: null,
    });
    expect(Object.keys({ ...terms, approvals }).sort()).toEqual(Object.keys(TERMS).sort());
  });
});

describe('a schema that is not that of the program', () => {
  test('is older where migrations are missing, and the sentence says what to run', async () => {
    await run();
    await addMigration('20270101000000_more', 'CREATE TABLE more (id INT)');
    const state = await stateSeenByService();
    expect(state).toEqual({ kind: 'older', missing: ['20270101000000_more'] });
    expect(schemaSentence(state)).toContain('npm run migrate');
  });

  test('is older where nothing was migrated at all', async () => {
    expect(await stateSeenByService()).toEqual({ kind: 'older', missing: ALL });
  });

  test('is newer where the database has migrations that the program does not know', async () => {
    await addMigration('20270101000000_more', 'CREATE TABLE more (id INT)');
    await run();
    await rm(join(folder, '20270101000000_more'), { recursive: true });
    const state = await stateSeenByService();
    expect(state).toEqual({ kind: 'newer', unknown: ['20270101000000_more'] });
    expect(await run()).toMatchObject({ kind: 'refused', reason: 'schema' });
  });

  describe('that a newer program has changed', () => {
    const MORE = '20270101000000_more';
    const LAST = ALL.at(-1) ?? '';
    const tells = (needs: string) =>
      `CREATE TABLE more (id INT);
       INSERT INTO schema_compatibility (migration, needs) VALUES ('${MORE}', '${needs}');`;
    const forget = () => rm(join(folder, MORE), { recursive: true });

    test('is ahead where each migration lets programs that know no more than this one work with it', async () => {
      await addMigration(MORE, tells(LAST));
      await run();
      await forget();
      const state = await stateSeenByService();
      expect(state).toEqual({ kind: 'ahead', unknown: [MORE] });
      expect(schemaSentence(state)).toContain('which can work with it');
      // Who rolls back runs the migrations of before, which have nothing to do.
      expect(await run()).toMatchObject({ kind: 'migrated', applied: [], state });
    });

    test('is newer where one of them needs programs that know more', async () => {
      await addMigration(MORE, tells(MORE));
      await run();
      await forget();
      expect(await stateSeenByService()).toEqual({ kind: 'newer', unknown: [MORE] });
    });

    test('is changed all the same where one that it knows has another text', async () => {
      await addMigration(MORE, tells(LAST));
      await run();
      await forget();
      await writeFile(join(folder, FIRST, 'migration.sql'), 'SELECT 1');
      expect(await stateSeenByService()).toEqual({ kind: 'changed', migration: FIRST });
    });

    test('is ahead already while one is under way outside a transaction, if an earlier one lets it', async () => {
      await run();
      await asAdmin(database.ownerUrl, (client) =>
        client.query(
          `WITH begun AS (INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', repeat('0', 64), $1))
           INSERT INTO schema_compatibility (migration, needs) VALUES ($1, $2)`,
          [MORE, LAST],
        ),
      );
      expect(await stateSeenByService()).toEqual({ kind: 'current' });
    });

    test('says so only by its owner: the role that serves lets nothing in', async () => {
      await run();
      const said = asAdmin(database.serviceUrl, (client) =>
        client.query(`INSERT INTO schema_compatibility VALUES ('a', 'b')`),
      );
      await expect(said).rejects.toThrow('permission denied');
    });
  });

  test('is changed where a migration was applied with another text', async () => {
    await run();
    const path = join(folder, FIRST, 'migration.sql');
    await writeFile(path, `${await readFile(path, 'utf8')}\n-- altered\n`);
    expect(await stateSeenByService()).toEqual({ kind: 'changed', migration: FIRST });
  });

  test('is told migration by migration', async () => {
    await run();
    await addMigration('20270101000000_more', 'CREATE TABLE more (id INT)');
    const status = await migrationStatus({ ownerUrl: database.ownerUrl, migrationsDir: folder });
    expect(status).toMatchObject({
      migrations: [
        ...ALL.map((name) => ({ name, standing: 'applied' })),
        { name: '20270101000000_more', standing: 'missing' },
      ],
    });
  });
});

describe('the roles', () => {
  test('the service owns nothing, may create nothing, and is no superuser', async () => {
    await run();
    await expect(rows(database.serviceUrl, 'CREATE TABLE mine (id INT)')).rejects.toThrow(
      /permission denied/,
    );
    expect(
      await rows(
        database.serviceUrl,
        `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
                (SELECT count(*)::int FROM pg_class WHERE relowner = pg_roles.oid) AS owned
           FROM pg_roles WHERE rolname = current_user`,
      ),
    ).toEqual([
      {
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolbypassrls: false,
        owned: 0,
      },
    ]);
  });

  test('no function looks into tables that the service makes for itself', async () => {
    await run();
    expect(
      await rows(
        database.ownerUrl,
        `SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE p.pronamespace = 'public'::regnamespace AND (l.lanname = 'plpgsql' OR p.prosecdef)
           AND p.proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, public, pg_temp']`,
      ),
    ).toEqual([]);
    await asAdmin(database.serviceUrl, async (client) => {
      await client.query('CREATE TEMP TABLE audit_pending (event_id UUID)');
      await client.query('GRANT ALL ON audit_pending TO PUBLIC');
      await client.query(
        `INSERT INTO audit_events (id, at, action, body, leaf_hash)
         VALUES ($1, now(), 'test.shadowed', '\\x7b7d', sha256('\\x007b7d'))`,
        [randomUUID()],
      );
      const { rows: waiting } = await client.query('SELECT FROM public.audit_pending');
      expect(waiting).toHaveLength(1);
    });
  });
});

describe('the command', () => {
  const command = (args: string[], env: Record<string, string> = {}) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const program = ['dist/src/server.js', 'migrate', ...args];
      const clean = { PATH: process.env['PATH'] ?? '', ...env };
      execFile(process.execPath, program, { env: clean }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });

  test('migrates what the environment names, tells how it stands, and exits with 0', async () => {
    const env = {
      DATABASE_URL: database.serviceUrl,
      HALLPASS_DATABASE__OWNER_URL: database.ownerUrl,
    };
    expect((await command(['--status'], env)).code).toBe(5);
    const done = await command([], env);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    for (const name of ALL) expect(done.stdout).toContain(`Applied ${name}.`);
    expect(await command(['--status'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The schema of the database is current.'),
    });
  });

  test('says in one sentence what is missing, and exits with 2', async () => {
    expect(await command([], { DATABASE_URL: database.serviceUrl })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('HALLPASS_DATABASE__OWNER_URL'),
    });
    expect((await command(['--wrong'])).code).toBe(2);
  });
});
