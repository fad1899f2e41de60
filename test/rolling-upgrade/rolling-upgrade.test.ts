import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MIGRATIONS_DIR } from '../../src/adapters/prisma/migrate.runner.js';
import type { ReplicaProgram } from '../crash/replica.program.js';
import { ReplicasLab } from '../crash/replicas.lab.js';
import { SteadyLoad } from '../crash/steady.load.js';
import { PREVIOUS_RELEASE } from '../upgrade/previous.release.js';
import { PreviousTree } from './previous.tree.js';

const REHEARSAL = '29990101000000_rehearsal';
/** What a next release could add: a column of the busiest table, and a table of its own. */
const REHEARSED = `ALTER TABLE "sessions" ADD COLUMN "rehearsed" TEXT, ADD COLUMN "rehearsals" INT DEFAULT 0;
CREATE TABLE "rehearsals" ("id" INT NOT NULL PRIMARY KEY);
INSERT INTO "schema_compatibility" ("migration", "needs") VALUES ('${REHEARSAL}', '${PREVIOUS_RELEASE.newest}');
`;
const SETTLE_MS = 1_500;
const server = { drainSeconds: 1 };

const opened = new AsyncDisposableStack();
let previous: PreviousTree;
let lab: ReplicasLab;

beforeAll(async () => {
  previous = opened.use(await PreviousTree.build());
  lab = opened.use(await ReplicasLab.start(previous.migrationsDir));
});
afterAll(() => opened.disposeAsync());

test('two replicas of the release before are replaced under load and live terminals, and nothing is lost', async () => {
  const old = await Promise.all(
    ['old-1', 'old-2'].map((name) => lab.replica(name, { root: previous.root, server })),
  );
  for (const { url } of old) lab.balancer.add(url);
  await using home = await lab.home();
  const people = await Promise.all(
    [1, 2].map(async () => {
      const person = home.terminal([
        ...['debug', 'deployment/cart', '--namespace', 'staging', '--profile', 'shell'],
        ...['--reason', 'orders are stuck', '--for', '30m'],
      ]);
      await person.sees(/is recorded/);
      return person;
    }),
  );
  const client = await lab.client();
  const load = new SteadyLoad({ cluster: lab.sandbox.cluster, client }, 3);
  await after(SETTLE_MS);

  const migrated = performance.now();
  await lab.migrate(await migrationsOfNext());
  const migrateMs = Math.round(performance.now() - migrated);
  for (let looks = 0; looks < 10; looks++) {
    expect(await Promise.all(old.map((it) => it.readiness()))).toEqual([200, 200]);
    await after(SETTLE_MS / 10);
  }

  const fresh: ReplicaProgram[] = [];
  const replaceMs: number[] = [];
  for (const [at, leaving] of old.entries()) {
    const next = await lab.replica(`new-${at}`, { server });
    fresh.push(next);
    lab.balancer.add(next.url);
    await after(SETTLE_MS);
    const began = performance.now();
    lab.balancer.remove(leaving.url);
    expect(await leaving.terminate()).toBe(0);
    replaceMs.push(Math.round(performance.now() - began));
    await after(SETTLE_MS);
  }
  await load.stop();
  expect(await Promise.all(fresh.map((it) => it.readiness()))).toEqual([200, 200]);

  for (const person of people) {
    await person.sees(/Back in the session/);
    person.type('echo still-$((40 + 2))\r');
    await person.sees(/still-42/);
    person.type('exit\r');
    await person.ended();
    person[Symbol.dispose]();
  }
  expect([...load.refusals], 'requests that were disturbed').toEqual([]);
  console.log(
    `from ${previous.commit.slice(0, 10)}: migrated in ${migrateMs} ms, replicas gone in ${replaceMs.join(' and ')} ms ` +
      `(1000 of it drain); ${await lab.mustBeWhole(load, home)}`,
  );
});

/** The migrations of this tree, and one to rehearse with where there is none that the release before does not know. */
async function migrationsOfNext(): Promise<string> {
  const names = await readdir(MIGRATIONS_DIR);
  if (names.some((name) => /^\d/.test(name) && name > PREVIOUS_RELEASE.newest))
    return MIGRATIONS_DIR;
  const folder = await mkdtemp(join(tmpdir(), 'hallpass-next-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  await cp(MIGRATIONS_DIR, folder, { recursive: true });
  await mkdir(join(folder, REHEARSAL));
  await writeFile(join(folder, REHEARSAL, 'migration.sql'), REHEARSED);
  return folder;
}
