import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { LogLab } from '../support/log.lab.js';
import { httpReceiver } from '../support/sink.receivers.js';
import { builtProgram } from './built.tree.js';
import type { Killed } from './delivering.orders.js';
import { SINK } from './delivering.orders.js';

/** Of a round, with all that happens where an event is refused. */
const STATEMENTS = 9;
const TIMEOUT_MS = 240_000;
const Post = z.object({ data: z.object({ first: z.int(), last: z.int() }) });

let program: string;
let lab: LogLab;
beforeAll(() => {
  program = builtProgram('test/crash', 'delivering.replica');
});
beforeEach(async () => {
  lab = await LogLab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** One round of another replica, which is gone when this resolves. @returns whether it was KILLed. */
async function round(orders: Omit<Killed, 'url'>): Promise<boolean> {
  // As if the time of the one before were over.
  await lab.database.pool.query(`UPDATE audit_sinks SET claimed_until = now() - interval '1 s'`);
  const child = fork(program, [JSON.stringify({ ...orders, url: lab.fresh.serviceUrl })], {
    execArgv: [],
    env: { PATH: process.env['PATH'] },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal === 'SIGKILL';
}

async function cursor(): Promise<number> {
  const { rows } = await lab.database.pool.query<{ next: string }>('SELECT next FROM audit_sinks');
  return Number(rows[0]?.next ?? 0);
}

test.each(['before', 'sent', 'answered'] as const)(
  'replicas that are KILLed at any of their statements (%s) bring every event, in order, and tell of each dead letter once',
  { timeout: TIMEOUT_MS, retry: 0 },
  async (when) => {
    const isPoison = (index: number) => index % 11 === 5;
    const taken: number[] = [];
    const refused = new Set<number>();
    await using receiver = await httpReceiver(({ body }) => {
      const { first, last } = Post.parse(JSON.parse(body)).data;
      const places = Array.from({ length: last - first + 1 }, (_, at) => first + at);
      if (!places.some(isPoison)) taken.push(...places);
      else if (places.length === 1) refused.add(first);
      return { status: places.some(isPoison) ? 400 : 204 };
    });
    const { port } = receiver;
    const sequencer = lab.replica();
    let killed = 0;
    for (let turn = 0; turn < STATEMENTS + 4; turn++) {
      await lab.write(6);
      while ((await sequencer.once()) === 'more');
      const at = (turn % STATEMENTS) + 1;
      if (await round({ port, replica: `r-${turn}`, at, when })) killed += 1;
      // The cursor is behind what came, never before it.
      const came = new Set([...taken, ...refused]);
      for (let index = await cursor(); index-- > 0;) expect(came).toContain(index);
    }
    expect(killed).toBeGreaterThan(STATEMENTS - 3);

    const ending = { port, at: 1_000, when, replica: 'last' };
    let places: number;
    do {
      while ((await sequencer.once()) === 'more');
      ({ places } = await lab.store.newest());
      expect(await round(ending)).toBe(false);
    } while ((await cursor()) < places);
    const all = Array.from({ length: places }, (_, at) => at);
    expect([...new Set(taken)]).toEqual(all.filter((index) => !isPoison(index)));
    // Again and again, but never with one left out.
    for (const [at, index] of taken.entries()) {
      const before = taken[at - 1] ?? -1;
      const passed = all.slice(before + 1, index);
      expect(passed.filter((it) => !isPoison(it))).toEqual([]);
    }
    // At least one was brought twice: its receiver had it when the replica died.
    if (when !== 'before') expect(taken.length).toBeGreaterThan(new Set(taken).size);
    const { rows } = await lab.database.pool.query<{ index: number }>(
      'SELECT index::int FROM audit_dead_letters WHERE sink = $1 ORDER BY index',
      [SINK],
    );
    expect(rows.map(({ index }) => index)).toEqual(all.filter(isPoison));
    const told = await lab.audit.read({ action: 'log.undelivered', limit: 200 });
    const ofThese = told.map(
      ({ body }) => z.object({ data: z.object({ index: z.int() }) }).parse(body).data.index,
    );
    const entries = await lab.store.entries(0, places);
    // An event tells of each, but of those that are such events themselves.
    const worthTelling = entries.filter(
      ({ index, action }) => isPoison(index) && action !== 'log.undelivered',
    );
    expect(ofThese.toSorted((a, b) => a - b)).toEqual(worthTelling.map(({ index }) => index));
  },
);
