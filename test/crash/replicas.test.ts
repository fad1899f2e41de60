import '../support/needs.containers.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ApiClient } from '../../sandbox/broker/api.client.js';
import { writeBrokerConfig } from '../../sandbox/broker/broker.config.js';
import type { EmbeddedDatabase } from '../../sandbox/database/embedded.database.js';
import { startDatabase } from '../../sandbox/database/embedded.database.js';
import { prepareDatabase } from '../../sandbox/database/hallpass.roles.js';
import { PEOPLE } from '../../sandbox/identity/people.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import { startSandbox } from '../../sandbox/sandbox.js';
import { migrate, MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import { Balancer } from '../support/balancer.js';
import { QUICK_SESSIONS } from '../support/broker.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import { builtProgram } from './built.tree.js';
import { ALWAYS, broken, gather, IN_THE_END } from './evidence.js';
import { ReplicaProgram } from './replica.program.js';
import { SteadyLoad } from './steady.load.js';

/** How often each of the three is killed in turn; a soak takes more. */
const ROUNDS = Number(process.env['HALLPASS_SOAK_ROUNDS'] ?? 1);
const PEOPLE_AT_ONCE = 6;
/** How long things go on undisturbed between two deaths. */
const BETWEEN_MS = 1_500;
/** A container ends itself; its node and this one are the same machine, and busy. */
const OVERRUN_MS_MAX = 2_000;
const NAMESPACE = 'staging';

const opened = new AsyncDisposableStack();
let folder: string;
let server: EmbeddedDatabase;
let database: Balancer;
let sandbox: Sandbox;
let replicas: ReplicaProgram[];
let balancer: Balancer;
let superuser: pg.Pool;
let logKey: string;

beforeAll(async () => {
  builtProgram('test/crash', 'crashing.broker');
  folder = await mkdtemp(join(tmpdir(), 'hallpass-replicas-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  server = await startDatabase({ dataDir: join(folder, 'postgres') });
  opened.defer(() => server.stop());
  const prepared = await prepareDatabase({ adminUrl: server.adminUrl, database: 'hallpass' });
  const migrated = await migrate({
    ...prepared,
    migrationsDir: MIGRATIONS_DIR,
    log: () => undefined,
  });
  expect(migrated.kind).toBe('migrated');
  database = opened.use(await Balancer.start());
  database.add(server.adminUrl);
  const behind = new URL(database.url).port;
  sandbox = await startSandbox({
    databaseUrl: at(prepared.serviceUrl, behind),
    cluster: { port: 0 },
  });
  opened.defer(() => sandbox.close());
  superuser = new pg.Pool({ connectionString: at(server.url('hallpass'), behind), max: 2 });
  superuser.on('error', () => undefined);
  opened.defer(() => superuser.end());
  balancer = opened.use(await Balancer.start());
  const { config } = await writeBrokerConfig({
    ...sandbox.surroundings,
    folder: join(folder, 'key'),
  });
  logKey = config.audit.signers[0]?.verifier.text ?? '';
  replicas = await Promise.all(
    ['one', 'two'].map((name) =>
      ReplicaProgram.start({
        ...sandbox.surroundings,
        folder: join(folder, name),
        sessions: QUICK_SESSIONS,
      }),
    ),
  );
  for (const replica of replicas) {
    opened.use(replica);
    balancer.add(replica.url);
  }
}, 120_000);
afterAll(() => opened.disposeAsync(), 60_000);

function at(url: string, port: string): string {
  const there = new URL(url);
  there.port = port;
  return there.href;
}

const tokenOf = (person: keyof typeof PEOPLE) => sandbox.identity.tokenFor(PEOPLE[person]);

/** Ends the database in the middle of whatever it does, and starts it again somewhere else. */
async function restartDatabase(): Promise<void> {
  const before = server;
  await before.stop();
  server = await startDatabase({ dataDir: join(folder, 'postgres') });
  database.remove(before.adminUrl);
  database.add(server.adminUrl);
}

test(
  'any replica is killed, and the database too, under load: no event is lost, and no session outlives its deadline',
  { timeout: 60_000 + ROUNDS * 60_000 },
  async () => {
    const client = new ApiClient(balancer.url, await tokenOf('requester'));
    await using home = await HallpassHome.make({
      HALLPASS_SERVER: balancer.url,
      HALLPASS_TOKEN: await tokenOf('requester'),
    });
    using person = home.terminal([
      ...['debug', 'deployment/cart', '--namespace', NAMESPACE, '--profile', 'shell'],
      ...['--reason', 'orders are stuck', '--for', '5m'],
    ]);
    await person.sees(/is recorded/);
    const load = new SteadyLoad({ cluster: sandbox.cluster, client }, PEOPLE_AT_ONCE);
    let deaths = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const replica of replicas) {
        await after(BETWEEN_MS);
        await replica.kill();
        deaths += 1;
        await after(BETWEEN_MS);
        await replica.start();
      }
      await after(BETWEEN_MS);
      await restartDatabase();
      deaths += 1;
      await after(BETWEEN_MS);
    }
    await load.stop();

    // Whoever was in a terminal is back in it.
    await person.sees(/Back in the session/);
    person.type('echo still-$((40 + 2))\r');
    await person.sees(/still-42/);
    person.type('exit\r');
    await person.ended();

    const pods = [...new Set(load.acknowledged.map(({ podName }) => podName))];
    const look = (podName: string) =>
      gather({ superuser, cluster: sandbox.cluster, namespace: NAMESPACE, podName });
    await vi.waitFor(
      async () => {
        const not = await Promise.all(pods.map(async (it) => broken(IN_THE_END, await look(it))));
        expect(not.flat()).toEqual([]);
      },
      { timeout: 30_000, interval: 250 },
    );
    for (const podName of pods) {
      const evidence = await look(podName);
      expect(broken(ALWAYS, evidence), podName).toEqual([]);
      const actions = evidence.stored.audits.map(({ action }) => action);
      const told = load.acknowledged.filter((it) => it.podName === podName);
      expect(actions).toEqual(expect.arrayContaining(told.map(({ action }) => actionOf(action))));
    }
    const overrun = await longestOverrun();
    expect(overrun.ms).toBeLessThan(OVERRUN_MS_MAX);
    await mustVerify(home);
    const refused = [...load.refusals].map(([what, count]) => `${what}: ${count}`).join(', ');
    console.log(
      `${deaths} deaths, ${pods.length} sessions, ${load.acknowledged.length} requests acknowledged; ` +
        `longest past its deadline ${overrun.ms} ms of ${overrun.of} containers; tried again: ${refused}`,
    );
  },
);

/** How an act is called in the audit log. */
function actionOf(action: string): unknown {
  return action === 'session.ask' ? expect.stringMatching(/^session\.(?:ask|grant)$/) : action;
}

/** How long the container that ran longest past its session's deadline did so, by the cluster's word. */
async function longestOverrun(): Promise<{ ms: number; of: number }> {
  const { rows } = await superuser.query<{ pod: string; deadline: Date }>(
    `SELECT request #>> '{target,name}' AS pod, deadline_at AS deadline FROM sessions WHERE deadline_at IS NOT NULL`,
  );
  const overruns = rows.flatMap(({ pod, deadline }) => {
    const { ephemeralContainerStatuses = [] } = sandbox.cluster.pod(NAMESPACE, pod)?.status ?? {};
    return ephemeralContainerStatuses.map(
      ({ state }) => Date.parse(state.terminated?.finishedAt ?? '') - deadline.getTime(),
    );
  });
  return { ms: Math.max(...overruns), of: overruns.length };
}

/** The log, taken out and verified as an auditor does, with every event that there is. */
async function mustVerify(home: HallpassHome): Promise<void> {
  const env = { HALLPASS_TOKEN: await tokenOf('auditor') };
  await vi.waitFor(
    async () => {
      const { rows } = await superuser.query('SELECT FROM audit_pending');
      expect(rows).toHaveLength(0);
    },
    { timeout: 10_000 },
  );
  const taken = await home.run(['audit', 'export', join(home.folder, 'log')], undefined, env);
  expect(taken.stderr.match(/error/i), taken.stderr).toBeNull();
  const verify = ['audit', 'verify', join(home.folder, 'log'), '--key', logKey];
  const verified = await home.run(verify, undefined, env);
  expect(verified.stdout.toString()).toMatch(/events are as they were signed, and in order/);
}
