import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeAuditKey } from '../../sandbox/broker/broker.config.js';
import type { Broker } from '../../src/broker.js';
import { BrokerLab } from '../support/broker.lab.js';

let lab: BrokerLab;
beforeAll(async () => {
  lab = await BrokerLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function told(sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: lab.database.adminUrl });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return rows;
}

const actions = async (): Promise<unknown[]> =>
  (await told(`SELECT action FROM audit_events WHERE action LIKE 'log.%' ORDER BY at`)).map(
    (row) => row['action'],
  );

async function readiness(broker: Broker): Promise<{ status: number; audit: unknown }> {
  const response = await fetch(`${broker.managementUrl}/readyz`);
  const { checks } = (await response.json()) as { checks: Record<string, unknown> };
  return { status: response.status, audit: checks['audit'] };
}

test('a broker whose database was put back signs nothing, says so, and serves all the same', async () => {
  const { folder } = lab.sandbox.surroundings;
  const file = join(folder, 'checkpoints.jsonl');
  const surroundings = {
    auditKey: await writeAuditKey(folder),
    anchors: [{ name: 'vault', kind: 'file', file, everySeconds: 1 }],
  };
  /** The sizes of what was put by. */
  const anchored = async (): Promise<number[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return [...text.matchAll(/"size":(\d+),/g)].map(([, size]) => Number(size));
  };

  const before = await lab.broker({ surroundings });
  await expect.poll(anchored, { timeout: 10_000 }).not.toEqual([]);
  const [size = 0] = await anchored();
  expect(await readiness(before)).toEqual({ status: 200, audit: 'ok' });
  await before.stop();
  expect(await actions()).toEqual(['log.started', 'log.stopped']);
  const second = await lab.broker({ surroundings });
  // How many there are is a matter of when each event came.
  await expect
    .poll(anchored, { timeout: 10_000 })
    .toContainEqual(expect.toSatisfy((it) => it > size));
  await second.stop();

  for (const table of ['audit_leaves', 'audit_checkpoints']) {
    await told(`ALTER TABLE ${table} DISABLE TRIGGER ALL`);
  }
  await told(`DELETE FROM audit_leaves WHERE index >= ${size}`);
  await told(`DELETE FROM audit_checkpoints WHERE size > ${size}`);

  const after = await lab.broker({ surroundings });
  const says = 'nothing is signed since .+: the anchor vault holds a checkpoint of \\d+ events';
  await expect
    .poll(async () => (await readiness(after)).audit)
    .toMatch(new RegExp(`^ok, but ${says}, and ${size} have a place in the database`));
  expect((await readiness(after)).status).toBe(200);
  const metrics = await (await fetch(`${after.managementUrl}/metrics`)).text();
  expect(metrics).toContain('hallpass_audit_parted 1\n');
  const { status } = await (await lab.as('requester', after)).call('GET', '/v1/sessions');
  expect(status).toBe(200);
  await after.stop();
  expect(await told('SELECT max(size)::int AS size FROM audit_checkpoints')).toEqual([{ size }]);
  expect((await actions()).slice(-3)).toEqual(['log.started', 'log.parted', 'log.stopped']);
});
