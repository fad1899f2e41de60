import { afterAll, beforeAll, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPastDecisions } from '../../src/adapters/prisma/prisma-past.decisions.js';
import type { PastDecision } from '../../src/app/ports/past-decisions.js';
import { AskingLab, allow, pod, setOf } from './asking.lab.js';

/** More than two pages, seven of them at each instant. */
const MORE = 1_203;
const ALL = MORE + 1;

let lab: AskingLab;
let database: Database;
let asked: Date;

beforeAll(async () => {
  lab = await AskingLab.start(setOf(allow('shop')));
  database = lab.database();
  await lab.replica().ask({ target: pod('web') });
  const [first] = await read({});
  asked = first?.at ?? new Date(0);
  await asAdmin(lab.fresh.adminUrl, (client) =>
    client.query(
      `INSERT INTO decisions (id, session_id, "by", verdict, rule, policy_hash, explanation, facts, at)
       SELECT gen_random_uuid(), d.session_id, d.by, d.verdict, n::text, d.policy_hash, d.explanation,
         CASE WHEN n % 3 <> 0 THEN d.facts END, d.at - (1 + n / 7) * interval '1 second'
       FROM decisions d, generate_series(1, $1) n`,
      [MORE],
    ),
  );
});
afterAll(() => lab[Symbol.asyncDispose]());

async function read(over: { since?: Date; limit?: number }): Promise<PastDecision[]> {
  const since = over.since ?? new Date(0);
  const past = new PrismaPastDecisions(database);
  const read: PastDecision[] = [];
  for await (const one of past.newestFirst({ since, limit: over.limit ?? 1_000_000 })) {
    read.push(one);
  }
  return read;
}

test('past decisions are read page by page, each once, the newest first', async () => {
  const all = await read({});
  expect(all).toHaveLength(ALL);
  expect(new Set(all.map(({ rule }) => rule)).size).toBe(ALL);
  const times = all.map(({ at }) => at.getTime());
  expect(times).toEqual(times.toSorted((a, b) => b - a));
});

test('they come with the facts that they were made from, where those were kept', async () => {
  const all = await read({});
  expect(all.filter(({ facts }) => facts === null)).toHaveLength(MORE / 3);
  const { facts } = all[0] ?? {};
  expect(facts?.now).toBeInstanceOf(Date);
  expect(facts?.target).toMatchObject({ cluster: 'prod', found: { pod: 'web', restarts: 3 } });
});

test.each([1, 499, 500, 501, 1_000])(
  'no more than %i are read where so many are wanted',
  async (limit) => {
    const some = await read({ limit });
    const all = await read({});
    expect(some.map(({ rule }) => rule)).toEqual(all.slice(0, limit).map(({ rule }) => rule));
  },
);

test('those of the instant asked for are among them, and none before it', async () => {
  const since = new Date(asked.getTime() - 100_000);
  const some = await read({ since });
  const all = await read({});
  expect(some).toHaveLength(all.filter(({ at }) => at >= since).length);
  expect(some.at(-1)?.at).toEqual(since);
});

test('reading holds nothing between pages: a reader that stops keeps no transaction open', async () => {
  for await (const _ of new PrismaPastDecisions(database).newestFirst({
    since: new Date(0),
    limit: 10,
  })) {
    break;
  }
  const { rows } = await asAdmin(lab.fresh.adminUrl, (client) =>
    client.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE datname = $1 AND state LIKE 'idle in transaction%'`,
      [new URL(lab.fresh.adminUrl).pathname.slice(1)],
    ),
  );
  expect(rows[0]?.open).toBe(0);
});
