import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { PrismaAuditHolds } from '../../src/adapters/prisma/prisma-audit.holds.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { XtermScreens } from '../../src/adapters/screen/xterm.screens.js';
import { ReadScreens } from '../../src/app/read-screens.js';
import type { RecordStreams } from '../../src/app/record-streams.js';
import { HoldAudit } from '../../src/app/hold-audit.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { EventAction } from '../../src/domain/audit/event.kinds.js';
import { isProblem } from '../../src/domain/problem.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import { RecordingLab } from '../support/recording.lab.js';
import { ALEX, actorOf } from '../support/sessions.js';

let lab: RecordingLab;
let recorder: RecordStreams;
beforeAll(async () => {
  lab = await RecordingLab.start();
  recorder = lab.recorder();
});
afterAll(() => lab[Symbol.asyncDispose]());

const EXITED = { exitCode: 0, why: 'exited' };
const wordOf = (action: EventAction) =>
  auditEntry({ at: new Date(), action, outcome: 'success', actor: actorOf(ALEX), data: {} });

/** A recording that has ended, of what was shown. */
async function recorded(text: string, over: { keepSeconds?: number } = {}) {
  const session = await lab.session();
  const recording = await lab.open(recorder, { ...over, session });
  await recording.output('stdout', Buffer.from(text));
  await recording.finish(EXITED);
  return { id: recording.id, session };
}

const bodies = async (id: RecordingId) =>
  (await lab.asService('SELECT 1 FROM recording_bodies WHERE recording_id = $1', [id])).length;

describe('a recording of a replica that died', () => {
  /** One that has stored a chunk, and of which nothing is heard any more. */
  async function left(over: { openMax?: number } = {}) {
    const session = await lab.session();
    const recording = await lab.open(lab.recorder({ replica: 'dead' }), { session, ...over });
    void recording.output('stdout', Buffer.from('the last that is known'));
    await expect.poll(() => lab.store.chunks(recording.id, 0, 10)).toHaveLength(1);
    await lab.age(recording.id, 21);
    return { session, recording };
  }

  test('is ended by another with what was stored, in the audit log, and only once', async () => {
    const { session, recording } = await left();
    const keepers = [lab.keeper(), lab.keeper(20, 'replica-3')];
    await Promise.all(keepers.map((keeper) => keeper.once()));
    // Silent for once is not dead: the store may have been away.
    expect((await lab.store.find(recording.id))?.endedAt).toBeNull();
    await Promise.all(keepers.map((keeper) => keeper.once()));
    const info = await lab.store.find(recording.id);
    expect(info).toMatchObject({ isAbandoned: true, end: null, chunks: 1 });
    expect(info?.endedAt).toBeInstanceOf(Date);
    expect(await lab.shown(recording.id)).toBe('the last that is known');
    const audits = await lab.audits(session);
    expect(audits.map(({ action }) => action)).toEqual([
      'recording.started',
      'recording.abandoned',
    ]);
    expect(audits[1]?.data).toMatchObject({
      recording: recording.id,
      chunks: 1,
      digest: Buffer.from(info?.digest ?? []).toString('hex'),
    });
    expect(keepers.map(({ abandoned }) => abandoned).sort()).toEqual([0, 1]);
  });

  test('lives as long as it says so, and as long as its replica is heard again in time', async () => {
    const { recording } = await left();
    const keeper = lab.keeper();
    await keeper.once();
    await lab.store.beat([recording.id]);
    // Found silent a moment ago, and heard of since.
    const abandoned = () => wordOf('recording.abandoned');
    expect(await lab.store.abandon(recording.id, 20, abandoned)).toBe(false);
    await keeper.once();
    await keeper.once();
    expect((await lab.store.find(recording.id))?.endedAt).toBeNull();
    await recording.finish(EXITED);
    expect((await lab.store.find(recording.id))?.isAbandoned).toBe(false);
  });

  test('counts a chunk that is being stored as it is ended, in the audit log too', async () => {
    const { session, recording } = await left();
    const keeper = lab.keeper();
    await keeper.once();
    await asAdmin(lab.fresh.serviceUrl, async (writer) => {
      await writer.query('BEGIN');
      await writer.query('SELECT FROM recordings WHERE id = $1 FOR SHARE', [recording.id]);
      await writer.query(`INSERT INTO recording_chunks VALUES ($1, 2, 0, 1, sha256('late'))`, [
        recording.id,
      ]);
      const ending = keeper.once();
      await expect.poll(() => lab.waiting()).toBeGreaterThan(0);
      await writer.query('COMMIT');
      await ending;
    });
    expect((await lab.audits(session)).at(-1)).toMatchObject({
      action: 'recording.abandoned',
      data: { chunks: 2 },
    });
  });

  test('takes nothing more from a replica that was only taken for dead, and fails there', async () => {
    const { session, recording } = await left();
    const keeper = lab.keeper();
    await keeper.once();
    await keeper.once();
    void recording.output('stdout', Buffer.from('too late'));
    expect(await recording.failed).toContain('abandoned');
    await recording.finish(EXITED);
    expect(await lab.shown(recording.id)).toBe('the last that is known');
    expect(await lab.audits(session)).toHaveLength(2);
  });

  test('keeps no place among those that terms allow once it is ended', async () => {
    const { session } = await left({ openMax: 1 });
    const keeper = lab.keeper();
    await keeper.once();
    await keeper.once();
    await (await lab.open(recorder, { session, openMax: 1 })).finish(EXITED);
  });

  test('does not live on by what else its replica records', async () => {
    const { recording } = await left();
    const { recording: other } = await left();
    const beating = lab.store;
    await beating.beat([other.id]);
    const keeper = lab.keeper();
    await keeper.once();
    await keeper.once();
    expect((await lab.store.find(recording.id))?.isAbandoned).toBe(true);
    expect((await lab.store.find(other.id))?.endedAt).toBeNull();
    await other.finish(EXITED);
  });
});

describe('keeping recordings', () => {
  const hold = (id: RecordingId, held: boolean) =>
    lab.store.hold(id, held, wordOf(held ? 'recording.held' : 'recording.released'));

  test('ends when their time is up: what they held goes, their digests and facts stay', async () => {
    const { id, session } = await recorded('gone soon\r\n', { keepSeconds: 0 });
    const kept = await recorded('stays\r\n');
    await lab.store.keepScreen(id, [{ atMs: 0, text: 'gone soon' }]);
    const before = await lab.store.find(id);
    await lab.keeper().once();
    expect(await lab.store.find(id)).toEqual({ ...before, droppedAt: expect.any(Date) as Date });
    expect(await bodies(id)).toBe(0);
    expect(await lab.store.screen(id, 10)).toEqual([]);
    expect((await lab.audits(session)).at(-1)).toMatchObject({
      action: 'recording.dropped',
      data: { recording: id, digest: Buffer.from(before?.digest ?? []).toString('hex') },
    });
    expect(await bodies(kept.id)).toBe(1);
  });

  test('is not taken for done while chunks lie in a bucket that is not configured any more', async () => {
    const bucket = new Map<string, Uint8Array>();
    const store = lab.storeWith({
      put: (id, seq, bytes) => Promise.resolve(void bucket.set(`${id}/${seq}`, bytes)),
      get: () => Promise.reject(new Error('nobody reads')),
      drop: (id) => Promise.resolve(void bucket.delete(`${id}/1`)),
    });
    const session = await lab.session();
    const recording = await lab.open(lab.recorder({ store }), { session, keepSeconds: 0 });
    void recording.output('stdout', Buffer.from('in a bucket'));
    await recording.finish(EXITED);
    const { id } = await recorded('here', { keepSeconds: 0 });
    await lab.keeper().once();
    await lab.keeper().once();
    // Of the one that was here nothing is left to do.
    expect((await lab.store.due(10)).map((it) => it.id)).toEqual([recording.id]);
    expect((await lab.store.find(id))?.droppedAt).toBeInstanceOf(Date);
    expect(bucket.size).toBe(1);
    expect(lab.journal.lines.at(-1)).toMatchObject({ facts: { recording: recording.id } });
    await lab.keeper(20, 'replica-2', store).once();
    expect(bucket.size).toBe(0);
    expect(await lab.store.due(10)).toEqual([]);
    const dropped = (await lab.audits(session)).filter((it) => it.action === 'recording.dropped');
    expect(dropped).toHaveLength(1);
  });

  test('goes on past their time while they are held, and no longer', async () => {
    const { id } = await recorded('evidence\r\n', { keepSeconds: 0 });
    expect(await hold(id, true)).toBe(true);
    expect(await hold(id, true)).toBe(false);
    await lab.keeper().once();
    expect(await bodies(id)).toBe(1);
    expect(await hold(id, false)).toBe(true);
    await lab.keeper().once();
    expect(await bodies(id)).toBe(0);
    expect(await hold(id, true)).toBe(false);
  });

  test('goes on past their time while somebody holds their session, or the time they are of', async () => {
    const { id, session } = await recorded('evidence\r\n', { keepSeconds: 0 });
    const holding = new HoldAudit({
      holds: new PrismaAuditHolds(lab.database),
      store: lab.sessions,
      clock: lab.clock,
    });
    const auditor = { actor: actorOf(ALEX), roles: ['auditor' as const] };
    const hours = (sum: number) => new Date(Date.now() + sum * 3_600_000);
    for (const what of [{ session: session.id }, { from: hours(-1), until: hours(1) }]) {
      const placed = await holding.place(auditor, { ...what, reason: 'a lawsuit' });
      if (isProblem(placed)) throw new Error(placed.detail);
      await lab.keeper().once();
      expect(await lab.store.drop(id, wordOf('recording.dropped'))).toBe(false);
      expect(await bodies(id)).toBe(1);
      expect((await lab.store.find(id))?.isHeld).toBe(true);
      await holding.release(auditor, placed.id, { reason: 'it is over' });
    }
    await holding.place(auditor, { until: hours(-1), reason: 'another time' });
    await lab.keeper().once();
    expect(await bodies(id)).toBe(0);
  });

  test('is decided by the database, whatever the service asks for', async () => {
    const { id } = await recorded('mine\r\n');
    const held = await recorded('held\r\n', { keepSeconds: 0 });
    await hold(held.id, true);
    for (const it of [id, held.id])
      expect(await lab.store.drop(it, wordOf('recording.dropped'))).toBe(false);
    expect([await bodies(id), await bodies(held.id)]).toEqual([1, 1]);
  });

  test.each([
    ['UPDATE recordings SET dropped_at = now() WHERE id = $1', /permission denied/],
    ['UPDATE recordings SET keep_seconds = 0 WHERE id = $1', /permission denied/],
    ['UPDATE recordings SET person = person WHERE id = $1', /permission denied/],
    [`UPDATE recordings SET ended_at = now() - interval '9 years' WHERE id = $1`, /written once/],
    [`UPDATE recordings SET ended_at = NULL WHERE id = $1`, /written once/],
    [`UPDATE recordings SET "end" = '{}' WHERE id = $1`, /written once/],
    [`UPDATE recordings SET abandoned = TRUE WHERE id = $1`, /written once/],
    ['DELETE FROM recordings WHERE id = $1', /permission denied/],
    ['DELETE FROM recording_bodies WHERE recording_id = $1', /permission denied/],
    [`UPDATE recording_bodies SET bytes = '' WHERE recording_id = $1`, /permission denied/],
    ['DELETE FROM recording_chunks WHERE recording_id = $1', /permission denied/],
    ['UPDATE recording_chunks SET seq = 9 WHERE recording_id = $1', /permission denied/],
    ['DELETE FROM recording_lines WHERE recording_id = $1', /permission denied/],
    [`INSERT INTO recording_chunks VALUES ($1, 2, 0, 0, sha256(''))`, /has ended/],
  ])('the service cannot: %s', async (sql, refusal) => {
    const { id } = await recorded('mine\r\n');
    await expect(lab.asService(sql, [id])).rejects.toThrow(refusal);
  });

  test.each([
    ['UPDATE recording_chunks SET seq = 9 WHERE recording_id = $1'],
    ['DELETE FROM recording_chunks WHERE recording_id = $1'],
    [`UPDATE recording_bodies SET bytes = '' WHERE recording_id = $1`],
    ['DELETE FROM recording_bodies WHERE recording_id = $1'],
    ['UPDATE recordings SET dropped_at = now() WHERE id = $1'],
    ['DELETE FROM recordings WHERE id = $1'],
  ])('not even the owner can: %s', async (sql) => {
    const { id } = await recorded('mine\r\n');
    await expect(lab.asOwner(sql, [id])).rejects.toThrow();
    expect(await bodies(id)).toBe(1);
  });
});

describe('what was on the screen', () => {
  async function onScreen(...lines: string[]) {
    const { id, session } = await recorded('');
    await lab.store.keepScreen(
      id,
      lines.map((text, atMs) => ({ atMs, text })),
    );
    return { id, session };
  }

  test('is found by its words and by the parts of paths, newest first, page by page', async () => {
    const one = await onScreen('$ cat /etc/passwd', 'root:x:0:0', 'Permission denied');
    const two = await onScreen('permission granted', 'Müller-Lüdenscheidt, 東京');
    const search = async (text: string, over: object = {}) => {
      const hits = await lab.store.search({ text, session: null, limit: 10, ...over });
      return hits.map((hit) => hit.text);
    };
    for (const text of ['passwd', '/etc/passwd', '"cat /etc/passwd"', 'etc -shadow', 'CAT'])
      expect([text, await search(text)]).toEqual([text, ['$ cat /etc/passwd']]);
    for (const text of ['lüdenscheidt', 'MÜLLER', '東京', 'Müller-Lüdenscheidt'])
      expect([text, await search(text)]).toEqual([text, ['Müller-Lüdenscheidt, 東京']]);
    for (const text of ['etc -passwd', '"passwd etc"', '', '&|!():*<->\\', "'; DROP TABLE x; --"])
      expect([text, await search(text)]).toEqual([text, []]);
    expect(await search('permission')).toEqual(['permission granted', 'Permission denied']);
    expect(await search('permission', { session: one.session.id })).toEqual(['Permission denied']);
    const [first] = await lab.store.search({ text: 'permission', session: null, limit: 1 });
    expect(first?.recording).toBe(two.id);
    expect(await search('permission', { after: first })).toEqual(['Permission denied']);
  });

  test('is read when a recording has ended, and found by what was to be read there', async () => {
    const { session, recording } = await lab.recording();
    void recording.output('stdout', Buffer.from('$ \u001b[31mzebra\u001b[0m cross'));
    void recording.output('stdout', Buffer.from('ing\r\nhorse\b\b\b\b\bmouse\r\n'));
    await recording.finish(EXITED);
    const screens = new XtermScreens();
    const { store, journal } = lab;
    const reading = new ReadScreens({ store, screens, decompress, journal });
    // The chunks of others lie where nobody is asked here: they are put behind.
    while (await reading.next().catch(() => true));
    expect(await lab.store.takeUnread(1)).toBeUndefined();
    await screens.close();
    expect((await store.screen(recording.id, 10)).map(({ text }) => text)).toEqual([
      '$ zebra crossing',
      'mouse',
    ]);
    expect(
      await store.search({ text: 'zebra crossing', session: session.id, limit: 5 }),
    ).toMatchObject([{ recording: recording.id }]);
    expect(await store.search({ text: 'horse', session: session.id, limit: 5 })).toEqual([]);
  });

  test('is kept once, and nothing of it after the recording was dropped', async () => {
    const { id } = await onScreen('first');
    await lab.store.keepScreen(id, [{ atMs: 0, text: 'second' }]);
    expect(await lab.store.screen(id, 10)).toEqual([{ atMs: 0, text: 'first' }]);
    for (let it; (it = await lab.store.takeUnread(60));) expect(it.id).not.toBe(id);
  });
});
