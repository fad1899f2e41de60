import '../support/needs.containers.js';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import { writeAuditKey } from '../../sandbox/broker/broker.config.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { SessionDetails } from '../../src/contract/session.schema.js';
import { isStartRefusal, startBroker } from '../../src/broker.js';
import { doctor } from '../doctor/doctor.lab.js';
import { anchored, readiness, RestoreLab } from './restore.lab.js';
import type { Restored, Running } from './restore.lab.js';

/**
 * docs/backup.md, played: a base backup, work that goes on, a server that is lost with its disk, and what is restored. Each
 * part is a restore of its own, into a server of its own; the cluster is one, and goes on.
 */
let lab: RestoreLab;
let key: string;
/** The anchor as it was when the WAL was archived, and when the server was lost. */
let anchorThen: string;
let anchorNow: string;
/** How many events had a place when the backup was taken, at least. */
let backedUp: number;
let was: Readonly<Record<Part, SessionDetails>>;

/** What became of each after the backup: see `beforeAll`. */
type Part = 'old' | 'kept' | 'left' | 'waiting' | 'again' | 'late' | 'tail';

const containerOf = (part: Part): string => `hallpass-${was[part].id}`;

beforeAll(async () => {
  lab = await RestoreLab.start();
  anchorNow = join(lab.folder, 'checkpoints.jsonl');
  anchorThen = join(lab.folder, 'checkpoints.then.jsonl');
  const before = await lab.broker({ anchors: [vault(anchorNow)] });
  key = before.config.audit.signers[0]?.verifier.text ?? '';
  const robin = await lab.as('requester', before);
  const alex = await lab.as('approver', before);
  const [old, kept, left, waiting, again] = await Promise.all([
    lab.ask(robin, 12),
    lab.ask(robin, 300),
    lab.ask(robin, 300),
    lab.ask(robin, 300, 'payments'),
    lab.ask(robin, 300, 'payments'),
  ]);
  await Promise.all([old, kept, left].map(({ id }) => robin.until(id, ['active'])));
  await lab.record(robin, kept.id);
  backedUp = await lab.untilAnchored(anchorNow, before);
  await lab.database.backUp();

  // It goes on: one is ended, one extended, one approved, and one begins of which the backup knows nothing.
  await robin.act(left.id, 'end');
  await robin.until(left.id, ['ended']);
  await robin.act(kept.id, 'extend', { durationSeconds: 600 });
  await lab.untilEnded(`hallpass-${kept.id}`);
  for (const { id } of [waiting, again]) {
    await alex.decide(await alex.session(id), 'approve');
    await robin.until(id, ['active']);
  }
  const late = await lab.ask(robin, 3);
  await robin.until(late.id, ['active']);
  await lab.untilAnchored(anchorNow, before);
  await copyFile(anchorNow, anchorThen);
  await lab.database.archive();
  const tail = await lab.ask(robin, 300);
  await robin.until(tail.id, ['active']);
  await lab.untilAnchored(anchorNow, before);

  await lab.database.lose();
  was = { old, kept, left, waiting, again, late, tail };
  expect((await readiness(before)).status).toBe(503);
  // Their deadlines pass while nobody could know.
  await Promise.all([lab.untilEnded(containerOf('old')), lab.untilEnded(containerOf('late'))]);
  await before.broker.stop();
}, 120_000);
afterAll(() => lab[Symbol.asyncDispose]());

const vault = (file: string) => ({ name: 'vault', kind: 'file', file, everySeconds: 1 });

/** What the doctor says of containers that nobody knows, by namespace. */
async function strangers({ path }: Running): Promise<string> {
  const rows = await vi.waitUntil(async () => {
    const found = (await doctor({ config: path })).of('containers');
    // It looks for five seconds, which a busy machine may take.
    return found.some(({ verdict }) => verdict === 'unknown') ? undefined : found;
  }, 20_000);
  return rows.map(({ on, verdict, seen }) => `${on} ${verdict}: ${seen}`).join('\n');
}

async function told(robin: ApiClient): Promise<Record<string, string>> {
  const rows = Object.entries(was).map(async ([part, { id }]) => {
    const answer = await robin.call('GET', `/v1/sessions/${id}`);
    if (answer.status !== 200) return [part, String(answer.status)] as const;
    const { state, endReason } = await robin.session(id);
    return [part, endReason === null ? state : `${state}: ${endReason}`] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

describe('the backup alone', () => {
  let restored: Restored;
  let anchor: string;
  let broker: Running;
  beforeAll(async () => {
    restored = await lab.restored('backup');
    anchor = await lab.copied(anchorNow);
  }, 60_000);

  test('is refused in one sentence for as long as it is being restored', async () => {
    const { config } = await lab.config({ databaseUrl: restored.databaseUrl });
    const refused = await startBroker(config);
    expect(isStartRefusal(refused) && refused.refused).toBe(
      'The database cannot be served from, for it takes no writes: it is in recovery, as a standby is, or a server that is being restored: wait until it is promoted, or name the primary in database.url.',
    );
    await lab.database.promote(restored.server);
  });

  test('is served from and signed no further, for the anchor is ahead of it', async () => {
    const { databaseUrl } = restored;
    broker = await lab.broker({ databaseUrl, anchors: [vault(anchor)] });
    const [newest = 0] = (await anchored(anchor)).map(({ size }) => size).toReversed();
    await expect
      .poll(async () => (await readiness(broker)).audit)
      .toMatch(
        new RegExp(
          `^ok, but nothing is signed since .*: the anchor vault holds a checkpoint of ${newest} events, and ${backedUp} have a place in the database: the events ${backedUp} to ${newest - 1} were removed, or the database was put back \\(it agrees with the checkpoint of ${backedUp} there\\)$`,
        ),
      );
    expect((await readiness(broker)).status).toBe(200);
  });

  test('makes `verify` say how many events are missing, and pass with the newest checkpoint that it has', async () => {
    const log = await lab.takenOut(broker);
    const all = await anchored(anchor);
    const newest = all.at(-1);
    const found = await log.verify(key, newest?.note);
    expect(found.code).toBe(1);
    expect(found.out).toContain(
      `The older checkpoint is of ${newest?.size} events, and the log has ${backedUp}: its end was cut off.`,
    );
    const passed = await log.verify(key, all.find(({ size }) => size === backedUp)?.note);
    expect(passed).toEqual({ code: 0, out: expect.stringContaining('1 recording is the one') });
  });

  test('knows what it knew: whose container has ended is ended, and who waited waits', async () => {
    const robin = await lab.as('requester', broker);
    for (const part of ['old', 'kept', 'left'] as const) await robin.until(was[part].id, ['ended']);
    expect(await told(robin)).toEqual({
      old: 'ended: deadline',
      kept: 'ended: left',
      left: 'ended: left',
      waiting: 'pending',
      again: 'pending',
      late: '404',
      tail: '404',
    });
  });

  test('has the doctor name each container that runs and of which it knows nothing', async () => {
    const rows = await strangers(broker);
    expect(rows).toMatch(
      new RegExp(`sandbox/payments warning: 2 debug .*${containerOf('waiting')} in web`),
    );
    expect(rows).toMatch(/sandbox\/staging warning: 2 debug containers run there/);
    for (const name of [`${containerOf('kept')}-2`, containerOf('tail')]) {
      expect(rows).toContain(name);
    }
  });

  test('ends the container of a session that is approved once more, before it says that it has ended', async () => {
    const robin = await lab.as('requester', broker);
    const alex = await lab.as('approver', broker);
    const { id } = was.again;
    expect(lab.containers().get(containerOf('again'))?.finishedAt).toBeUndefined();
    await alex.decide(await alex.session(id), 'approve');
    expect(await robin.until(id, ['ended'])).toMatchObject({
      endReason: 'start-failed',
      endDetail: expect.stringContaining('already has a debug container of this name'),
    });
    expect(lab.containers().get(containerOf('again'))?.finishedAt).toBeDefined();
  });

  test('goes on in a log of another name, with what it had, what waited, and that it had parted', async () => {
    await broker.broker.stop();
    const origin = 'hallpass.sandbox/audit-2';
    const next = await lab.broker({
      databaseUrl: restored.databaseUrl,
      anchors: [vault(anchor)],
      auditKey: await writeAuditKey(lab.folder, origin),
      auditLog: { origin, formerKeys: [key] },
    });
    const size = await lab.untilAnchored(anchor, next);
    expect(size).toBeGreaterThan(backedUp);
    expect((await readiness(next)).audit).toBe('ok');
    // Taking it out is written in it too, and anchored later.
    const older = (await anchored(anchor)).at(-1);
    const log = await lab.takenOut(next);
    const newKey = next.config.audit.signers[0]?.verifier.text ?? '';
    expect(await log.verify(newKey, older?.note)).toMatchObject({ code: 0 });
    const parted = await asAdmin(restored.databaseUrl, (client) =>
      client.query(
        `SELECT 1 FROM audit_events e JOIN audit_leaves ON event_id = e.id WHERE action = 'log.parted'`,
      ),
    );
    expect(parted.rowCount).toBe(1);
    await next.broker.stop();
  });
});

describe('the backup with the WAL that was archived', () => {
  test('lacks what was in the last segment, which an anchor that was behind cannot tell, and containers can', async () => {
    const { databaseUrl, server } = await lab.restored('archive');
    await lab.database.promote(server);
    const anchor = await lab.copied(anchorThen);
    const broker = await lab.broker({ databaseUrl, anchors: [vault(anchor)] });
    await lab.untilAnchored(anchor, broker);
    expect((await readiness(broker)).audit).toBe('ok');
    const robin = await lab.as('requester', broker);
    expect(await told(robin)).toMatchObject({ kept: 'active', waiting: 'active', tail: '404' });
    const rows = await strangers(broker);
    expect(rows).toMatch(new RegExp(`staging warning: 1 debug .*: ${containerOf('tail')} in web`));
    expect(rows).toContain('payments ok: every debug container that runs there is of a session');
    await broker.broker.stop();
  });
});

describe('the backup with all WAL', () => {
  let restored: Restored;
  let anchor: string;
  let broker: Running;
  beforeAll(async () => {
    restored = await lab.restored('last commit');
    await lab.database.promote(restored.server);
    anchor = await lab.copied(anchorNow);
    broker = await lab.broker({ databaseUrl: restored.databaseUrl, anchors: [vault(anchor)] });
  }, 60_000);

  test('lacks nothing: it is signed on, and verified with the newest checkpoint of the anchor', async () => {
    const older = (await anchored(anchor)).at(-1);
    await lab.untilAnchored(anchor, broker);
    expect(await readiness(broker)).toEqual({ status: 200, audit: 'ok' });
    const log = await lab.takenOut(broker);
    expect(await log.verify(key, older?.note)).toEqual({
      code: 0,
      out: expect.stringContaining(`It goes on from the older checkpoint of ${older?.size} events`),
    });
  });

  test('knows every session and every container, and ends what is to end', async () => {
    const robin = await lab.as('requester', broker);
    for (const part of ['late', 'again'] as const) await robin.until(was[part].id, ['ended']);
    expect(await told(robin)).toEqual({
      old: 'ended: deadline',
      kept: 'active',
      left: 'ended: left',
      waiting: 'active',
      again: 'ended: left',
      late: 'ended: deadline',
      tail: 'active',
    });
    expect(await strangers(broker)).not.toContain('warning');
    for (const part of ['kept', 'waiting', 'tail'] as const) {
      await robin.act(was[part].id, 'end');
      await robin.until(was[part].id, ['ended']);
    }
    expect([...lab.containers().values()].filter(({ finishedAt }) => !finishedAt)).toEqual([]);
    for (const [name, { finishedAt = '' }] of lab.containers()) {
      const part = Object.values(was).find(({ id }) => name.includes(id));
      const { deadline } = await robin.session(part?.id ?? '');
      expect(Date.parse(finishedAt)).toBeLessThan(Date.parse(deadline ?? '') + 2_000);
    }
  });

  test('has the roles and rights that it had: who serves adds to the log, and changes nothing of it', async () => {
    const rows = (await doctor({ config: broker.path })).all;
    expect(rows.filter(({ check }) => check.startsWith('database'))).toMatchObject([
      { verdict: 'ok' },
      { verdict: 'ok', seen: expect.stringContaining('may add to the audit log and neither') },
      { verdict: 'ok', seen: expect.stringMatching(/^all \d+ triggers .* are on$/) },
    ]);
    const asService = (sql: string) => asAdmin(restored.databaseUrl, (client) => client.query(sql));
    for (const sql of [
      `UPDATE audit_events SET action = 'x'`,
      'DELETE FROM audit_leaves',
      'TRUNCATE audit_checkpoints',
    ]) {
      await expect(asService(sql)).rejects.toThrow('permission denied');
    }
    const asSuperuser = asAdmin(restored.server.url('hallpass'), (client) =>
      client.query('DELETE FROM audit_leaves'),
    );
    await expect(asSuperuser).rejects.toThrow('DELETE of audit_leaves is refused');
  });

  test('without what was shown, as where a bucket was lost, makes `verify` name the recording', async () => {
    const { recordings } = await lab.withoutBodies(restored.server.url('hallpass'));
    const log = await lab.takenOut(broker, 2);
    const found = await log.verify(key);
    expect(found.code).toBe(1);
    expect(found.out).toContain(
      `The recording ${recordings[0]} is missing, and no event says that it was dropped`,
    );
  });

  test('goes on with a new key where the old one was lost, if the old verifier is named', async () => {
    await broker.broker.stop();
    const auditKey = join(lab.folder, 'lost.key');
    const { databaseUrl } = restored;
    await expect(lab.config({ databaseUrl, auditKey })).rejects.toThrow(
      'audit.keyFiles[0]: cannot be read (ENOENT): put it there, or correct the path',
    );
    const origin = 'hallpass.sandbox/audit';
    await copyFile(await writeAuditKey(await lab.newFolder()), auditKey);
    const over = { databaseUrl, auditKey, anchors: [vault(anchor)] };
    const without = await lab.broker(over);
    await expect
      .poll(async () => (await readiness(without)).audit)
      .toBe('ok, but nothing is signed before these anchors were compared: vault');
    await without.broker.stop();
    const next = await lab.broker({ ...over, auditLog: { origin, formerKeys: [key] } });
    await lab.untilAnchored(anchor, next);
    expect((await readiness(next)).audit).toBe('ok');
  });
});
