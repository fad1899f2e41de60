import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PrismaBypassStore } from '../../src/adapters/prisma/prisma-bypass.store.js';
import { DetectBypass } from '../../src/app/detect-bypass.js';
import { ACCOUNT, auditEntryOf } from '../support/audit.entries.js';
import { LogLab } from '../support/log.lab.js';

const CLUSTER = { name: 'sandbox', account: ACCOUNT };

let lab: LogLab;
beforeAll(async () => {
  lab = await LogLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** A replica, which knows nothing but what is in the database. */
function replica(): DetectBypass {
  return new DetectBypass({
    store: { find: () => Promise.resolve(undefined) },
    bypasses: new PrismaBypassStore(lab.database),
    clock: { now: () => new Date() },
    journal: lab.journal,
    replica: 'test',
  });
}

const entering = (pod: string, container: string, use = 'exec') =>
  auditEntryOf({
    method: 'POST',
    path: `/api/v1/namespaces/lab/pods/${pod}/${use}?container=${container}`,
    status: 101,
  });
const adding = (pod: string, ...names: string[]) =>
  auditEntryOf({
    method: 'PATCH',
    path: `/api/v1/namespaces/lab/pods/${pod}/ephemeralcontainers`,
    status: 200,
    body: { spec: { ephemeralContainers: names.map((name) => ({ name })) } },
  });

/** Calls of a Pod of their own, and which of them went past the broker. */
function callsOf(pod: string) {
  const bypasses = [
    adding(pod, 'evil', 'worse'),
    entering(pod, 'evil'),
    entering(pod, 'evil', 'attach'),
    entering(pod, 'app&container=worse'),
    entering(pod, 'debugger-x1'),
    entering(pod, 'hallpass-x'),
  ];
  return { bypasses, all: [...bypasses, entering(pod, 'app'), entering(`${pod}-2`, 'evil')] };
}

/** The audit ids of what was found in a Pod and its namesake. */
async function foundIn(pod: string): Promise<string[]> {
  const { rows } = await lab.database.pool.query<{ id: string }>(
    `SELECT b->'data'->>'auditId' AS id
     FROM audit_events, LATERAL (SELECT convert_from(body, 'UTF8')::jsonb AS b) x
     WHERE action = 'bypass.found' AND b->'data'->>'pod' IN ($1, $1 || '-2')`,
    [pod],
  );
  return rows.map(({ id }) => id).sort();
}

const idsOf = (entries: readonly Record<string, unknown>[]) =>
  entries.map(({ auditID }) => String(auditID)).sort();

describe('the same calls', () => {
  test('in any order, some of them twice, are the same bypasses, each told once', async () => {
    const places = Array.from({ length: 8 }, (_, place) => place);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(places, { minLength: 8 }),
        fc.array(fc.constantFrom(...places), { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (order, again, size) => {
          const pod = `web-${randomUUID()}`;
          const { bypasses, all } = callsOf(pod);
          const told = [...order, ...again].flatMap((place) => all[place] ?? []);
          for (let at = 0; at < told.length; at += size) {
            await replica().take(CLUSTER, told.slice(at, at + size));
          }
          expect(await foundIn(pod)).toEqual(idsOf(bypasses));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('at the same time by several API servers are the same bypasses', async () => {
    for (let round = 0; round < 20; round++) {
      const pod = `web-${randomUUID()}`;
      const { bypasses, all } = callsOf(pod);
      await Promise.all(all.map((entry) => replica().take(CLUSTER, [entry])));
      expect(await foundIn(pod)).toEqual(idsOf(bypasses));
    }
  });
});

describe('a call into a container of the Pod’s own', () => {
  test('is forgotten after half an hour, by the clock of the database', async () => {
    const pod = `web-${randomUUID()}`;
    await replica().take(CLUSTER, [entering(pod, 'app')]);
    await lab.asOwner(`UPDATE kubernetes_early_calls SET at = at - interval '31 minutes'`);
    const old = await lab.count('kubernetes_early_calls');
    for (let n = 0; n < old / 10 + 1; n++) {
      await replica().take(CLUSTER, [entering(pod, `app-${n}`)]);
    }
    expect(await lab.count(`kubernetes_early_calls WHERE at < now() - interval '30 minutes'`)).toBe(
      0,
    );
    expect(await foundIn(pod)).toEqual([]);
  });

  test.each([
    'DELETE FROM kubernetes_early_calls',
    `UPDATE kubernetes_early_calls SET at = '2000-01-01'`,
    `INSERT INTO kubernetes_early_calls (key, containers, why, seen, at) VALUES ('', '{}', '', '{}', now())`,
  ])('is nothing that the service may take away: %s', async (sql) => {
    await expect(lab.database.pool.query(sql)).rejects.toThrow('permission denied');
  });
});

describe('however many names there are', () => {
  test('the last that a patch adds is known for what it is', async () => {
    const pod = `web-${randomUUID()}`;
    const names = Array.from({ length: 5_000 }, (_, n) => `tool-${n}`);
    const entries = [adding(pod, ...names), entering(pod, 'tool-4999')];
    await replica().take(CLUSTER, entries);
    expect(await foundIn(pod)).toEqual(idsOf(entries));
  });

  test('who names more than anybody means is told of', async () => {
    const pod = `web-${randomUUID()}`;
    const many = Array.from({ length: 51 }, (_, n) => `%zz${n}`).join('&container=');
    const entry = entering(pod, many);
    await replica().take(CLUSTER, [entry]);
    expect(await foundIn(pod)).toEqual(idsOf([entry]));
  });
});
