import '../support/needs.containers.js';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import { builtProgram } from './built.tree.js';
import type { ReplicaProgram } from './replica.program.js';
import { ReplicasLab } from './replicas.lab.js';
import { SteadyLoad } from './steady.load.js';

/** How often each of the three is killed in turn; a soak takes more. */
const ROUNDS = Number(process.env['HALLPASS_SOAK_ROUNDS'] ?? 1);
const PEOPLE_AT_ONCE = 5;
/** How long things go on undisturbed between two deaths. */
const BETWEEN_MS = 800;

let lab: ReplicasLab;
let replicas: ReplicaProgram[];

beforeAll(async () => {
  builtProgram('test/crash', 'crashing.broker');
  lab = await ReplicasLab.start(MIGRATIONS_DIR);
  replicas = await Promise.all(['one', 'two'].map((name) => lab.replica(name)));
  for (const { url } of replicas) lab.balancer.add(url);
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose](), 60_000);

test(
  'any replica is killed, and the database too, under load: no event is lost, and no session outlives its deadline',
  { timeout: 60_000 + ROUNDS * 60_000, retry: 0 },
  async () => {
    await using home = await lab.home();
    using person = home.terminal([
      ...['debug', 'deployment/cart', '--namespace', 'staging', '--profile', 'shell'],
      ...['--reason', 'orders are stuck', '--for', '30m'],
    ]);
    await person.sees(/is recorded/);
    const parts = { cluster: lab.sandbox.cluster, client: await lab.client() };
    const load = new SteadyLoad(parts, PEOPLE_AT_ONCE);
    for (let round = 0; round < ROUNDS; round++) {
      for (const replica of replicas) {
        await after(BETWEEN_MS);
        await replica.kill();
        await after(BETWEEN_MS);
        await replica.start();
      }
      await after(BETWEEN_MS);
      await lab.restartDatabase();
      await after(BETWEEN_MS);
    }
    await load.stop();
    expect(load.refusals.size, 'kinds of requests that were disturbed').toBeGreaterThan(0);

    // Whoever was in a terminal is back in it.
    await person.sees(/Back in the session(?![^]*coming back to it)/);
    person.type('echo still-$((40 + 2))\r');
    await person.sees(/still-42/);
    person.type('exit\r');
    await person.ended();

    console.log(`${ROUNDS * 3} deaths; ${await lab.mustBeWhole(load, home)}`);
  },
);
