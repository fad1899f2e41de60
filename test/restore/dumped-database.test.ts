import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaLogStore } from '../../src/adapters/prisma/prisma-log.store.js';
import { databaseRefusal } from '../../src/database.refusal.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';
import { actorOf, ROBIN } from '../support/sessions.js';
import type { TestDatabase } from '../support/postgres.js';
import { emptyDatabase } from '../support/postgres.js';

/** docs/backup.md, "A dump": by PostgreSQL's own programs, where the machine has them. */
const run = promisify(execFile);

let lab: LogLab;
let restored: TestDatabase;
let lacking: string | undefined;
beforeAll(async () => {
  [lab, restored] = await Promise.all([LogLab.start(), emptyDatabase()]);
  lacking = await whyNotDumped(lab.fresh.adminUrl);
  if (lacking !== undefined) console.info(`skipped: ${lacking}`);
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await restored.drop();
});

/** What is in the way of dumping a server: pg_dump takes none that is newer than itself. */
async function whyNotDumped(adminUrl: string): Promise<string | undefined> {
  const { stdout } = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' });
  const program = Number(/ (\d+)/.exec(stdout ?? '')?.[1] ?? 0);
  const [row] = await told(adminUrl, `SELECT current_setting('server_version_num')::int AS n`);
  const server = Math.trunc(Number(row?.['n']) / 10_000);
  if (program >= server) return undefined;
  return program === 0
    ? 'there is no pg_dump on this machine'
    : `pg_dump is of version ${program}, and the server of ${server}`;
}

async function told(url: string, sql: string): Promise<Record<string, unknown>[]> {
  return asAdmin(url, async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
}

/** Runs one of PostgreSQL's programs as the superuser. */
async function program(name: string, adminUrl: string, args: readonly string[]): Promise<void> {
  const { hostname, port, username, password, pathname } = new URL(adminUrl);
  await run(name, [...args, '--dbname', pathname.slice(1)], {
    env: {
      PATH: process.env['PATH'],
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: decodeURIComponent(username),
      PGPASSWORD: decodeURIComponent(password),
    },
  });
}

/** Who may what, and what holds: rights of tables, columns and functions, triggers, constraints, rows of the tables. */
const PROMISES = [
  `SELECT relname, relkind, relacl::text, pg_get_userbyid(relowner) AS owner FROM pg_class
    WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
  `SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute
    WHERE attacl IS NOT NULL AND attrelid::regclass::text NOT LIKE 'pg\\_%' ORDER BY 1, 2`,
  `SELECT proname, proacl::text, prosecdef, proconfig::text, pg_get_userbyid(proowner) AS owner FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace ORDER BY 1`,
  `SELECT c.relname, tgname, tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal ORDER BY 1, 2`,
  // Read from what it was written as, a condition has other brackets.
  `SELECT conrelid::regclass::text, conname, translate(pg_get_constraintdef(oid), '()', '') FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
  `SELECT count(*), max(at) FROM audit_events`,
];

test('a dump that is restored has the rights, triggers and rows that were there, and its log goes on', async ({
  skip,
}) => {
  skip(lacking !== undefined, lacking);
  await lab.write(300);
  await lab.replica().once();
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-dump-'));
  try {
    const file = join(folder, 'hallpass.dump');
    await program('pg_dump', lab.fresh.adminUrl, ['--format=custom', '--file', file]);
    await program('pg_restore', restored.adminUrl, ['--exit-on-error', file]);
  } finally {
    await rm(folder, { recursive: true });
  }
  for (const sql of PROMISES) {
    expect(await told(restored.adminUrl, sql)).toEqual(await told(lab.fresh.adminUrl, sql));
  }
  const database = new Database({ url: restored.serviceUrl, poolSize: 2 }, () => undefined);
  try {
    expect(await databaseRefusal(database)).toBeUndefined();
    const store = new PrismaLogStore(database);
    const sequence = lab.replica({ store });
    await new PrismaAuditLog(database).append(
      auditEntry({
        at: new Date(),
        action: 'session.finish',
        outcome: 'success',
        actor: actorOf(ROBIN),
      }),
    );
    await sequence.once();
    expect(sequence.parted()).toBeUndefined();
    expect((await store.head(ORIGIN))?.size).toBe(301);
    for (const sql of [`UPDATE audit_events SET action = 'x'`, 'DELETE FROM audit_leaves']) {
      await expect(database.pool.query(sql)).rejects.toThrow('permission denied');
    }
  } finally {
    await database.close();
  }
});
