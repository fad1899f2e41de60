import { once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { freePort } from '../../sandbox/free.port.js';
import { Program } from '../support/program.js';
import type { TestDatabase } from '../support/postgres.js';
import { emptyDatabase, freshDatabase } from '../support/postgres.js';

let folder: string;
let database: TestDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hallpass-start-'));
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** The program on a configuration whose issuer and cluster nobody asks: it need not have them to start. */
async function start(
  over: Partial<Parameters<typeof writeBrokerConfig>[0]> = {},
  stdout?: number,
): Promise<Program> {
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    `apiVersion: v1
kind: Config
current-context: none
contexts: [{ name: none, context: { cluster: none, user: none } }]
clusters: [{ name: none, cluster: { server: 'https://127.0.0.1:1' } }]
users: [{ name: none, user: { token: none } }]
`,
  );
  const { path } = await writeBrokerConfig({
    folder,
    databaseUrl: database.serviceUrl,
    identity: { issuer: 'http://127.0.0.1:1', audience: 'hallpass' },
    kubeconfig,
    namespaces: ['staging'],
    log: { level: 'info' },
    ...over,
  });
  return new Program('src/server.ts', ['serve'], { HALLPASS_CONFIG: path }, stdout);
}

const serviceUrl = (it: TestDatabase): string => it.serviceUrl;

const serving = /"url":"(?<url>[^"]+)".*"msg":"serving"/;

describe('a broker that is started', { timeout: 90_000 }, () => {
  test('serves though cluster and issuer are away, is ready, and ends by TERM with 0', async () => {
    await using broker = await start();
    const url = (await broker.says(serving)).groups?.['url'] ?? '';
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);
    broker.signal('SIGTERM');
    expect(await broker.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('knows whose the accounts are that its configuration names, before any of them signs in', async () => {
    const accounts = ['robin', 'robin-admin'].map((subject) => ({
      issuer: 'http://127.0.0.1:1',
      subject,
    }));
    await using broker = await start({ humans: [{ human: 'Robin', accounts }] });
    await broker.says(serving);
    const { rows } = await asAdmin(database.adminUrl, (client) =>
      client.query(
        'SELECT iss AS issuer, sub AS subject FROM known_humans WHERE human = $1 ORDER BY sub',
        ['Robin'],
      ),
    );
    expect(rows).toEqual(accounts);
  });

  test('does not serve on a schema that is older than its own, and says what to run', async () => {
    const empty = await emptyDatabase();
    try {
      await using broker = await start({ databaseUrl: empty.serviceUrl });
      const { code, stdout, stderr } = await broker.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/older than this program.*npm run migrate/);
      expect(stdout).not.toMatch(serving);
    } finally {
      await empty.drop();
    }
  });

  test('does not serve on a schema that is newer than its own', async () => {
    const newer = await freshDatabase();
    try {
      await asAdmin(newer.adminUrl, (client) =>
        client.query(
          `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
           VALUES (gen_random_uuid(), repeat('0', 64), '29990101000000_from_the_future', now(), 1)`,
        ),
      );
      await using broker = await start({ databaseUrl: newer.serviceUrl });
      const { code, stderr } = await broker.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/newer than this program.*29990101000000_from_the_future/);
    } finally {
      await newer.drop();
    }
  });

  test.each([
    ['is a superuser', (it: TestDatabase) => it.adminUrl, undefined],
    ['owns the audit log', (it: TestDatabase) => it.ownerUrl, undefined],
    ['may change audit events', serviceUrl, 'UPDATE (at)'],
    ['may delete audit events', serviceUrl, 'DELETE'],
    ['may empty the audit log', serviceUrl, 'TRUNCATE'],
  ])('does not serve as a role that %s, and says what to do', async (why, url, granted) => {
    const open = await freshDatabase();
    try {
      if (granted !== undefined) {
        await asAdmin(open.ownerUrl, (client) =>
          client.query(`GRANT ${granted} ON audit_events TO ${open.serviceUser}`),
        );
      }
      await using broker = await start({ databaseUrl: url(open) });
      const { code, stdout, stderr } = await broker.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(new RegExp(`The role \\S+ ${why}.*database\\.url.*npm run migrate`));
      expect(stdout).not.toMatch(serving);
    } finally {
      await open.drop();
    }
  });

  test('stops being ready when a newer program migrates the database under it', async () => {
    const shared = await freshDatabase();
    try {
      await using broker = await start({ databaseUrl: shared.serviceUrl });
      const said = await broker.says(/"health":"(?<health>[^"]+)"/);
      const readyz = `${said.groups?.['health'] ?? ''}/readyz`;
      expect((await fetch(readyz)).status).toBe(200);
      await asAdmin(shared.adminUrl, (client) =>
        client.query(
          `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
           VALUES (gen_random_uuid(), repeat('0', 64), '29990101000000_from_the_future', now(), 1)`,
        ),
      );
      const answer = await fetch(readyz);
      expect(answer.status).toBe(503);
      expect(await answer.text()).toContain('newer than this program');
    } finally {
      await shared.drop();
    }
  });

  test('goes on being ready when a newer program migrates in a way that lets it, and says so', async () => {
    const shared = await freshDatabase();
    try {
      await using broker = await start({ databaseUrl: shared.serviceUrl });
      const said = await broker.says(/"health":"(?<health>[^"]+)"/);
      await asAdmin(shared.adminUrl, async (client) => {
        await client.query(
          `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
           VALUES (gen_random_uuid(), repeat('0', 64), '29990101000000_from_the_future', now(), 1)`,
        );
        await client.query(
          `INSERT INTO schema_compatibility SELECT '29990101000000_from_the_future', max(migration_name)
             FROM _prisma_migrations WHERE migration_name < '2999'`,
        );
      });
      const answer = await fetch(`${said.groups?.['health'] ?? ''}/readyz`);
      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('newer than this program, which can work with it');
      await using again = await start({ databaseUrl: shared.serviceUrl });
      await again.says(serving);
    } finally {
      await shared.drop();
    }
  });

  test('says that the database does not answer, without its password', async () => {
    await using broker = await start({
      databaseUrl: 'postgresql://hallpass:hunter2@127.0.0.1:1/hallpass',
    });
    const { code, stdout, stderr } = await broker.ended;
    expect(code).toBe(2);
    expect(stderr).toContain('check `database.url`');
    expect(stdout + stderr).not.toContain('hunter2');
  });

  test('tells every mistake of its configuration at once, with its place', async () => {
    const path = join(folder, 'wrong.yaml');
    await writeFile(path, 'server:\n  ports: 1\nsessions:\n  workers: none\n');
    await using broker = new Program('src/server.ts', ['serve'], { HALLPASS_CONFIG: path });
    const { code, stderr } = await broker.ended;
    expect(code).toBe(2);
    expect(stderr).toContain('wrong.yaml:2:3: server.ports: is not known: did you mean port?');
    expect(stderr).toContain('wrong.yaml:4:12: sessions.workers');
    expect(stderr).toContain('policies.folders: is missing');
  });

  test('tells every mistake of its policy documents at once, where no set is in force', async () => {
    const policies = await mkdtemp(join(folder, 'policies-'));
    await writeFile(join(policies, 'a.yaml'), 'kind: AccessPolicy\n---\nkind: Nonsense\n');
    const untouched = await freshDatabase();
    try {
      await using broker = await start({ policies, databaseUrl: untouched.serviceUrl });
      const { code, stderr } = await broker.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/a\.yaml:1:1: .*\n(.*\n)*.*a\.yaml:3:/);
    } finally {
      await untouched.drop();
    }
  });

  test('serves by the set in force where its own documents are bad, and says so', async () => {
    const shared = await freshDatabase();
    try {
      const around = { databaseUrl: shared.serviceUrl };
      await using good = await start(around);
      const { hash = '' } =
        (await good.says(/"policySet":"(?<hash>[0-9a-f]{64})".*"serving"/)).groups ?? {};
      const policies = await mkdtemp(join(folder, 'policies-'));
      await writeFile(join(policies, 'a.yaml'), 'kind: Nonsense\n');
      await using bad = await start({ ...around, policies });
      const { health = '' } =
        (await bad.says(/"health":"(?<health>[^"]+)".*"serving"/)).groups ?? {};
      const ready = await fetch(`${health}/readyz`);
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({
        status: 'ready',
        checks: { database: 'ok', policies: expect.stringContaining('are refused') as string },
      });
      const metrics = await (await fetch(`${health}/metrics`)).text();
      expect(metrics).toContain(`hallpass_policy_set_info{hash="${hash}"} 1`);
      expect(metrics).toContain('hallpass_policy_folder_differs 1');
      expect(metrics).toContain('hallpass_policy_load_failures_total 1');
    } finally {
      await shared.drop();
    }
  });

  test('serves though its log cannot be written, and ends by TERM with 0', async () => {
    const port = await freePort(0);
    const full = await open('/dev/full', 'w');
    try {
      await using broker = await start({ server: { port } }, full.fd);
      const answers = async () => (await fetch(`http://127.0.0.1:${port}/openapi.json`)).status;
      await expect.poll(answers, { timeout: 40_000 }).toBe(200);
      broker.signal('SIGTERM');
      expect(await broker.ended).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await full.close();
    }
  });

  test('says so where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    try {
      const { port } = taken.address() as AddressInfo;
      await using broker = await start({ server: { port } });
      const { code, stderr } = await broker.ended;
      expect(code).toBe(2);
      expect(stderr).toContain(`port ${port}`);
      expect(stderr).not.toContain('    at ');
    } finally {
      taken.close();
    }
  });
});
