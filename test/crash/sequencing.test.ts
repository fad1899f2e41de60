import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/domain/audit/checkpoint.js';
import { rootOf } from '../../src/domain/audit/merkle.tree.js';
import { makeKey, readSigner } from '../../src/domain/audit/signed.note.js';
import type { SignerKey } from '../../src/domain/audit/signed.note.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';
import { builtProgram } from './built.tree.js';
import type { Killing } from './sequencing.orders.js';
import { Said } from './sequencing.orders.js';

const STATEMENTS_MAX = 40;
const TIMEOUT_MS = 240_000;

let program: string;
let lab: LogLab;
let key: string;
let signer: SignerKey;
let seen: Map<number, string>;
let written: string[];
const alive = new Set<ChildProcess>();

beforeAll(() => {
  program = builtProgram('test/crash', 'sequencing.replica');
});
beforeEach(async () => {
  lab = await LogLab.start();
  key = makeKey(ORIGIN).signer;
  const read = readSigner(key);
  if (typeof read === 'string') throw new Error(read);
  signer = read;
  seen = new Map();
  written = [];
});
afterEach(async () => {
  for (const child of alive) child.kill('SIGKILL');
  await lab[Symbol.asyncDispose]();
});

function replica(over: Partial<Killing>): { child: ChildProcess; said: unknown[] } {
  const killing = { url: lab.fresh.serviceUrl, origin: ORIGIN, key, batch: 300 };
  const orders = { ...killing, at: null, when: 'before', ...over };
  const child = fork(program, [JSON.stringify(orders)], {
    execArgv: [],
    env: { PATH: process.env['PATH'] },
  });
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  const said: unknown[] = [];
  child.on('message', (message) => said.push(Said.parse(message)));
  return { child, said };
}

/** What anybody could have read now: of one size there is one root for ever. */
async function look(): Promise<void> {
  const { rows } = await lab.database.pool.query<{ size: string; root: Buffer; note: string }>(
    'SELECT size, root, note FROM audit_checkpoints',
  );
  for (const { size, root, note } of rows) {
    const hex = root.toString('hex');
    expect(openCheckpoint(note, [signer.verifier])).toMatchObject({ size: Number(size) });
    expect(seen.get(Number(size)) ?? hex).toBe(hex);
    seen.set(Number(size), hex);
  }
}

async function write(count: number): Promise<void> {
  written.push(...(await lab.write(count)).map(({ id }) => id));
}

/** Every event in one place, no hole, and the tree begins with each that anybody saw. */
async function isWhole(): Promise<void> {
  const again = lab.replica({ signers: [signer] });
  // The server needs a moment to see that who held the lock is dead.
  const waiting = () => again.once().then(() => lab.count('audit_pending'));
  await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
  expect(again.parted()).toBeUndefined();
  await look();
  const entries = await lab.store.entries(0, written.length + 1);
  expect(entries.map(({ index }) => index)).toEqual(written.map((_, at) => at));
  expect(new Set(entries.map(({ eventId }) => eventId))).toEqual(new Set(written));
  expect(await lab.count('audit_pending')).toBe(0);
  const leaves = entries.map(({ leafHash }) => leafHash);
  for (const [size, root] of seen) {
    expect(rootOf(leaves.slice(0, size)).toString('hex')).toBe(root);
  }
  expect(seen.has(written.length)).toBe(true);
}

test.each(['before', 'sent', 'answered'] as const)(
  'a sequencer that is KILLed at any of its statements (%s) leaves the log as it was, or with the whole of its round',
  { timeout: TIMEOUT_MS, retry: 0 },
  async (when) => {
    let killed = 0;
    for (let at = 1; at <= STATEMENTS_MAX; at++) {
      // Past a whole tile now and then, so that hashes above the leaves are written too.
      await write(260);
      const { child, said } = replica({ at, when });
      // Not when it exits: what it said may be on its way then.
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      await look();
      if (signal !== 'SIGKILL') {
        expect(said).toEqual([{ statements: at - 1 }]);
        break;
      }
      killed += 1;
      const again = lab.replica({ signers: [signer] });
      while ((await again.once()) === 'more');
      expect(again.parted()).toBeUndefined();
      await look();
    }
    await isWhole();
    // From whether there is anything to do to COMMIT.
    expect(killed).toBeGreaterThanOrEqual(10);
    expect(killed).toBeLessThan(STATEMENTS_MAX);
  },
);

test(
  'three replicas that are KILLed again and again while events come lose none and sign nothing twice',
  { timeout: TIMEOUT_MS, retry: 0 },
  async () => {
    const replicas = [1, 2, 3].map(() => replica({ batch: 7 }));
    const all = [...replicas];
    for (let round = 0; round < 12; round++) {
      const before = seen.size;
      await write(40);
      await expect
        .poll(() => look().then(() => seen.size), { timeout: 20_000 })
        .toBeGreaterThan(before);
      const at = round % replicas.length;
      replicas[at]?.child.kill('SIGKILL');
      const next = replica({ batch: 7 });
      replicas[at] = next;
      all.push(next);
    }
    for (const { child } of replicas) child.kill('SIGKILL');
    await isWhole();
    expect(all.flatMap(({ said }) => said)).toEqual([]);
  },
);
