import { contentHash } from '../../src/app/policy-entries.js';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPolicyErrors } from '../../src/adapters/policy/policy.documents.js';
import { setOfReading, WatchedFolders } from '../../src/adapters/policy/policy.folder.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import { PrismaSessionNews } from '../../src/adapters/prisma/prisma-session.news.js';
import { BELIEVED_AFTER_MS, FollowPolicies } from '../../src/app/follow-policies.js';
import { HandClock, MemoryJournal } from '../support/in-memory.ports.js';
import type { TestDatabase } from '../support/postgres.js';
import { freshDatabase } from '../support/postgres.js';

/** A folder as Kubernetes mounts a ConfigMap: links through `..data`, which is turned when the map changes. */
class ConfigMap {
  readonly path = mkdtempSync(join(root, 'map-'));
  private version = 0;

  turn(files: Readonly<Record<string, string>>): void {
    const data = `..v${++this.version}`;
    mkdirSync(join(this.path, data));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.path, data, name), text);
    }
    symlinkSync(data, join(this.path, '..data_tmp'));
    renameSync(join(this.path, '..data_tmp'), join(this.path, '..data'));
  }
}

interface Replica {
  readonly name: string;
  readonly policies: FollowPolicies;
  readonly journal: MemoryJournal;
  readonly stop: () => Promise<void>;
}

/** Documents that differ by one number: 0 is older than 1, and so on. */
function edition(number: number): Record<string, string> {
  return {
    'shell.yaml': `apiVersion: hallpass/v1
kind: DebugProfile
metadata: { name: shell }
spec: { image: 'tools:${number}', allowTag: true, debugProfile: baseline }
`,
  };
}
const BAD = { 'shell.yaml': 'apiVersion: hallpass/v1\nkind: DebugProfil\nmetadata: { name: x }\n' };

let root: string;
let fresh: TestDatabase;
let database: Database;
let archive: PrismaPolicyArchive;
let running: Replica[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'hallpass-sets-'));
  fresh = await freshDatabase();
  database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
  archive = new PrismaPolicyArchive(database);
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(({ stop }) => stop()));
  await database.close();
  await fresh.drop();
  rmSync(root, { recursive: true });
});

async function tryToStart(
  map: ConfigMap,
  over: { name?: string; compile?: typeof setOfReading; clock?: HandClock } = {},
): Promise<Replica | readonly string[]> {
  const folders = WatchedFolders.of([map.path]);
  if (isPolicyErrors(folders)) return folders.policyErrors;
  const { name = `replica-${running.length}`, compile = setOfReading } = over;
  const { clock = new HandClock() } = over;
  const journal = new MemoryJournal();
  const policies = new FollowPolicies({ folders, archive, compile, clock, journal, replica: name });
  const wrong = await policies.open();
  if (wrong) return wrong.policyErrors;
  const news = new PrismaSessionNews(fresh.serviceUrl, journal);
  await news.open();
  policies.start((heard) => news.subscribePolicies(heard));
  const replica: Replica = {
    name,
    policies,
    journal,
    stop: async () => {
      await policies.stop();
      await news.close();
    },
  };
  running.push(replica);
  return replica;
}

async function start(...args: Parameters<typeof tryToStart>): Promise<Replica> {
  const replica = await tryToStart(...args);
  if (!('policies' in replica)) throw new Error(replica.join('\n'));
  return replica;
}

/** The image that this replica would decide on now. */
function imageAt({ policies }: Replica): string | undefined {
  return policies.current().profiles[0]?.image;
}

async function until<T>(look: () => T | Promise<T>, wanted: T): Promise<void> {
  await expect.poll(look, { timeout: 15_000, interval: 20 }).toEqual(wanted);
}

interface Event {
  readonly outcome: string;
  readonly actor: { readonly replica: string };
  readonly data: Readonly<Record<string, unknown>>;
}

async function events(action: string): Promise<Event[]> {
  const records = await new PrismaAuditLog(database).read({ action, limit: 50 });
  return records.map(({ body }) => body as Event).reverse();
}

/** The hashes that were in force, oldest first. */
async function history(): Promise<string[]> {
  return (await archive.activations({ limit: 50 })).map(({ hash }) => hash).reverse();
}

describe('a changed set', () => {
  test('is put in force for all replicas, with its texts and an audit event', async () => {
    const maps = [new ConfigMap(), new ConfigMap()] as const;
    for (const map of maps) map.turn(edition(1));
    const one = await start(maps[0]);
    const other = await start(maps[1]);
    const before = one.policies.current().hash;
    expect(other.policies.current().hash).toBe(before);

    maps[0].turn(edition(2));
    await until(() => imageAt(one), 'tools:2');
    await until(() => imageAt(other), 'tools:2');
    const after = one.policies.current().hash;
    expect(await history()).toEqual([before, after]);
    const counts = { files: 1, policies: 0, profiles: 1, onCallSources: 0 };
    expect(await events('policy.activated')).toMatchObject([
      { actor: { replica: one.name }, data: { from: null, to: before, ...counts } },
      { actor: { replica: one.name }, data: { from: before, to: after, ...counts } },
    ]);
    expect(await archive.files(before)).toEqual([
      { name: 'shell.yaml', text: edition(1)['shell.yaml'] },
    ]);
    expect(other.policies.standing().folder).toBe('another');
    maps[1].turn(edition(2));
    await until(() => other.policies.standing().folder, 'force');
    expect(await history()).toHaveLength(2);
  });

  test('is known at once to whoever asks, before any news of it', async () => {
    const map = new ConfigMap();
    map.turn(edition(1));
    const quiet = await start(map);
    await quiet.stop();
    const second = new ConfigMap();
    second.turn(edition(2));
    await start(second);
    expect(imageAt(quiet)).toBe('tools:1');
    await quiet.policies.refresh();
    expect(imageAt(quiet)).toBe('tools:2');
  });

  test('that comes from two replicas at once is one after the other, and all go by the last', async () => {
    const maps = Array.from({ length: 4 }, () => new ConfigMap());
    for (const map of maps) map.turn(edition(0));
    const replicas = await Promise.all(maps.map((map, index) => start(map, { name: `r${index}` })));
    expect(await history()).toHaveLength(1);
    for (const [index, map] of maps.entries()) map.turn(edition(index + 1));
    await until(async () => (await history()).length, 5);
    const last = (await history()).at(-1);
    await until(() => replicas.map(({ policies }) => policies.current().hash), Array(4).fill(last));
  });
});

describe('a replica whose folders are behind', () => {
  test('does not turn the set back while its ConfigMap comes late, version by version', async () => {
    const [quick, slow] = [new ConfigMap(), new ConfigMap()];
    for (const map of [quick, slow]) map.turn(edition(1));
    const first = await start(quick);
    const late = await start(slow);
    for (const number of [2, 3, 4]) {
      quick.turn(edition(number));
      await until(() => imageAt(first), `tools:${number}`);
    }
    const hashes = await history();
    for (const number of [2, 3]) {
      slow.turn(edition(number));
      await until(
        () => late.journal.lines.filter(({ message }) => message.includes('not now')).length,
        number - 1,
      );
      expect(late.policies.standing().folder).toBe('another');
    }
    slow.turn(edition(4));
    await until(() => late.policies.standing().folder, 'force');
    expect(await history()).toEqual(hashes);
    expect(imageAt(late)).toBe('tools:4');
  });

  test('that starts does not turn the set back, and says that its folders differ', async () => {
    const map = new ConfigMap();
    map.turn(edition(1));
    const first = await start(map);
    map.turn(edition(2));
    await until(() => imageAt(first), 'tools:2');
    const old = new ConfigMap();
    old.turn(edition(1));
    const late = await start(old);
    expect(imageAt(late)).toBe('tools:2');
    expect(late.policies.standing().folder).toBe('another');
    expect(late.journal.lines.map(({ level }) => level)).toContain('warn');
    expect(await history()).toHaveLength(2);
  });

  test('is believed when it still holds what it started with ten minutes later, once', async () => {
    const [newer, older] = [new ConfigMap(), new ConfigMap()];
    newer.turn(edition(1));
    const first = await start(newer);
    newer.turn(edition(2));
    await until(() => imageAt(first), 'tools:2');
    older.turn(edition(1));
    const clock = new HandClock(new Date());
    const late = await start(older, { clock });
    clock.set(new Date(clock.now().getTime() + BELIEVED_AFTER_MS));
    for (const each of [first, late]) await until(() => imageAt(each), 'tools:1');
    newer.turn(edition(3));
    await until(() => imageAt(late), 'tools:3');
    clock.set(new Date(clock.now().getTime() + BELIEVED_AFTER_MS));
    await late.policies.refresh();
    expect(await history()).toHaveLength(4);
  });

  test('turns the set back where its folders are turned back', async () => {
    const map = new ConfigMap();
    map.turn(edition(1));
    const replica = await start(map);
    for (const number of [2, 1]) {
      map.turn(edition(number));
      await until(() => imageAt(replica), `tools:${number}`);
    }
    expect(await history()).toHaveLength(3);
  });

  test('does not turn the set back by bad documents that are taken back', async () => {
    const [quick, slow] = [new ConfigMap(), new ConfigMap()];
    for (const map of [quick, slow]) map.turn(edition(1));
    const first = await start(quick);
    const late = await start(slow);
    quick.turn(edition(2));
    await until(() => imageAt(first), 'tools:2');
    slow.turn(BAD);
    await until(() => late.policies.standing().folder, 'refused');
    slow.turn(edition(1));
    await until(() => late.policies.standing().folder, 'another');
    expect(await history()).toHaveLength(2);
  });
});

describe('bad documents', () => {
  test('are refused whole; what was in force stays, and the audit log says so once', async () => {
    const maps = [new ConfigMap(), new ConfigMap()];
    for (const map of maps) map.turn(edition(1));
    const replicas = [];
    for (const map of maps) replicas.push(await start(map));
    for (const map of maps)
      map.turn({ ...edition(2), ...BAD, 'more.yaml': edition(3)['shell.yaml'] ?? '' });
    for (const { policies } of replicas) {
      await until(() => policies.standing().folder, 'refused');
      expect(policies.standing()).toMatchObject({ failures: 1, isBlocked: false });
      expect(policies.current().profiles[0]?.image).toBe('tools:1');
    }
    await until(async () => (await events('policy.refused')).length, 1);
    const [refusal] = await events('policy.refused');
    expect(refusal).toMatchObject({ outcome: 'failure', data: { where: 'in the folders' } });
    expect(JSON.stringify(refusal?.data)).toContain('shell.yaml:2:7: kind');

    for (const map of maps) map.turn(edition(2));
    for (const replica of replicas) await until(() => imageAt(replica), 'tools:2');
    expect(await events('policy.refused')).toHaveLength(1);
  });

  test('are told once a day: the same on another day is told again', () => {
    const told = (at: string, errors = ['shell.yaml:2:7: kind']) =>
      contentHash({
        at: new Date(at),
        replica: 'a',
        where: 'in the folders',
        content: 'x',
        errors,
      });
    const morning = told('2026-11-28T03:00:00Z');
    expect(told('2026-11-28T23:59:59Z')).toBe(morning);
    expect(told('2026-11-29T00:00:00Z')).not.toBe(morning);
    expect(told('2026-11-28T03:00:00Z', ['shell.yaml:3:1: kind'])).not.toBe(morning);
  });

  test('keep a replica from starting where nothing is in force', async () => {
    const map = new ConfigMap();
    map.turn(BAD);
    const errors = await tryToStart(map);
    expect(errors).toEqual([expect.stringContaining('shell.yaml:2:7: kind')]);
    expect(await history()).toEqual([]);
  });

  test('let a replica start by what is in force, which it says', async () => {
    const [good, bad] = [new ConfigMap(), new ConfigMap()];
    good.turn(edition(1));
    bad.turn(BAD);
    await start(good);
    const replica = await start(bad);
    expect(imageAt(replica)).toBe('tools:1');
    expect(replica.policies.standing().folder).toBe('refused');
  });

  test('however many there are, leave an audit event that can be written', async () => {
    const map = new ConfigMap();
    const names = Array.from(
      { length: 900 },
      (_, at) => `metadata: { name: x${at} }\nkind: "\\u0007é${'€'.repeat(300)}"\n`,
    );
    map.turn({ 'a.yaml': names.join('---\n') });
    expect(await tryToStart(map)).not.toHaveLength(0);
    expect((await events('policy.refused'))[0]?.data['errorCount']).toBeGreaterThan(500);
  });
});

describe('a set in force that a replica cannot read', () => {
  test('makes it decide nothing until another set is in force', async () => {
    const [newer, older] = [new ConfigMap(), new ConfigMap()];
    for (const map of [newer, older]) map.turn(edition(1));
    const first = await start(newer);
    const old = await start(older, {
      compile: async (reading) =>
        reading.files.some(({ text }) => text.includes('tools:2'))
          ? { policyErrors: ['shell.yaml:4:1: spec.magic: is not known'] }
          : setOfReading(reading),
    });
    newer.turn(edition(2));
    await until(() => old.policies.blocked()?.problem, 'policy-unavailable');
    expect(old.policies.standing()).toMatchObject({ isBlocked: true });
    await until(async () => (await events('policy.refused'))[0]?.data['where'], 'in force');
    expect(first.policies.blocked()).toBeUndefined();

    newer.turn(edition(3));
    await until(() => imageAt(old), 'tools:3');
    expect(old.policies.blocked()).toBeUndefined();
  });

  test('is one whose stored texts are not what its hash says', async () => {
    const map = new ConfigMap();
    map.turn(edition(1));
    const replica = await start(map);
    const hash = 'f'.repeat(64);
    const superuser = new pg.Client({ connectionString: fresh.adminUrl });
    await superuser.connect();
    await superuser.query(`INSERT INTO policy_sets (hash, documents) VALUES ($1, '{"files":[]}')`, [
      hash,
    ]);
    await superuser.query(
      `INSERT INTO policy_activations (hash, replica, at) VALUES ($1, 'x', now())`,
      [hash],
    );
    await superuser.end();
    await until(() => replica.policies.blocked()?.problem, 'policy-unavailable');
  });
});

test('what was in force cannot be rewritten by whoever serves', async () => {
  const map = new ConfigMap();
  map.turn(edition(1));
  await start(map);
  for (const table of ['policy_sets', 'policy_activations', 'policy_refusals']) {
    await expect(database.pool.query(`DELETE FROM ${table}`), table).rejects.toThrow(
      /permission denied/,
    );
  }
});
