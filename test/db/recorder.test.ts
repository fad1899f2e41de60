import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import { RecordingClosed } from '../../src/app/ports/recording.store.js';
import { PrismaRecordingStore } from '../../src/adapters/prisma/prisma-recording.store.js';
import type { RecordStreams } from '../../src/app/record-streams.js';
import { RECORDING_LIMITS } from '../../src/app/record-streams.js';
import type { AuditEntry } from '../../src/domain/audit/entry.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import { isProblem } from '../../src/domain/problem.js';
import type { Session } from '../../src/domain/session/session.js';
import { tookMs } from '../support/own.time.js';
import { RecordingLab, newRecording } from '../support/recording.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

let lab: RecordingLab;
let recorder: RecordStreams;
beforeAll(async () => {
  lab = await RecordingLab.start();
  recorder = lab.recorder();
});
afterAll(() => lab[Symbol.asyncDispose]());

const EXITED = { exitCode: 0, why: 'exited' };
/** Less patience, for trials of a store that is away. */
const HASTY = { ...RECORDING_LIMITS, patienceMs: 1_500 };

async function opened(over: object = {}, by: RecordStreams = recorder) {
  const session = await lab.session();
  return { session, recording: await lab.open(by, { session, ...over }) };
}

function entryOf(session: Session): AuditEntry {
  const at = new Date();
  const action = 'recording.gap';
  return auditEntry({ at, action, outcome: 'failure', actor: actorOf(ROBIN), session, data: {} });
}

describe('a recording', () => {
  test('holds what was shown, in order, with sizes, marks and the exit status', async () => {
    const { session, recording } = await opened();
    void recording.output('stdout', Buffer.from('$ ls\r\n'));
    recording.resize({ columns: 120, rows: 40 });
    void recording.output('stderr', Buffer.from('no\u0000\u001b[31mü'));
    recording.mark('Alex watches.');
    await recording.finish({ exitCode: 7, why: 'exited' });
    const events = await lab.events(recording.id);
    expect(events.map(({ code, data }) => [code, data])).toEqual([
      ['o', '$ ls\r\n'],
      ['r', '120x40'],
      ['o', 'no\u0000\u001b[31mü'],
      ['m', 'Alex watches.'],
      ['x', '7'],
    ]);
    const info = await lab.store.find(recording.id);
    expect(info).toMatchObject({
      session: session.id,
      mode: 'strict',
      person: ROBIN,
      chunks: 1,
      end: { exitCode: 7, why: 'exited' },
      isAbandoned: false,
      gaps: 0,
    });
    expect(info?.keepUntil?.getTime()).toBe((info?.endedAt?.getTime() ?? 0) + 3_600_000);
  });

  test('keeps no input unless it was opened for it', async () => {
    const quiet = (await opened()).recording;
    void quiet.input(Buffer.from('hunter2'));
    await quiet.finish(EXITED);
    expect(await lab.shown(quiet.id, 'i')).toBe('');
    const full = (await opened({ input: true })).recording;
    void full.input(Buffer.from('ls\r'));
    await full.finish(EXITED);
    expect(await lab.shown(full.id, 'i')).toBe('ls\r');
  });

  test('never splits a character between events, and accounts for the bytes themselves', async () => {
    const { session, recording } = await opened();
    const text = Buffer.concat([Buffer.from('aü€😀'.repeat(20_000)), Buffer.of(0xff, 0xe2, 0x82)]);
    for (let at = 0; at < text.length; at += 7)
      await recording.output('stdout', text.subarray(at, at + 7));
    await recording.finish(EXITED);
    expect(await lab.shown(recording.id)).toBe(text.toString());
    for (const { data } of await lab.events(recording.id)) expect(data.isWellFormed()).toBe(true);
    expect((await lab.audits(session)).at(-1)?.data).toMatchObject({
      replacements: 2,
      shownBytes: text.length,
      shownSha256: createHash('sha256').update(text).digest('hex'),
    });
  });

  test('of a flood is whole and in many bounded chunks, and whoever writes is asked to wait', async () => {
    const { recording } = await opened();
    const noise = Buffer.from(randomBytes(3 * 1024 * 1024).toString('base64'));
    let waits = 0;
    for (let at = 0; at < noise.length; at += 65_536) {
      const room = recording.output('stdout', noise.subarray(at, at + 65_536));
      if (room) waits += 1;
      await room;
    }
    await recording.finish(EXITED);
    expect(waits).toBeGreaterThan(0);
    expect(await lab.shown(recording.id)).toBe(noise.toString());
    const chunks = await lab.store.chunks(recording.id, 0, 1_000);
    expect(chunks.length).toBeGreaterThan(10);
    for (const { bytes } of chunks) expect(bytes.length).toBeLessThan(512 * 1024);
  });

  test('is stored while it goes on, a second after it was shown at the latest', async () => {
    const { recording } = await opened();
    void recording.output('stdout', Buffer.from('a'));
    const stored = () =>
      expect.poll(() => lab.store.chunks(recording.id, 0, 10), { interval: 20 }).toHaveLength(1);
    expect(await tookMs(stored)).toBeLessThan(2_000);
    await recording.finish(EXITED);
  });

  test('of one that says nothing stores nothing until its end', async () => {
    const { recording } = await opened();
    expect(await lab.store.chunks(recording.id, 0, 10)).toEqual([]);
    await recording.finish(EXITED);
    expect(await lab.store.chunks(recording.id, 0, 10)).toHaveLength(1);
  });

  test('names the files that were copied, all of them in itself and the first in the audit log', async () => {
    const { session, recording } = await opened({ kind: 'copy' });
    const sha256 = 'ab'.repeat(32);
    for (let n = 0; n < 2_000; n++) {
      recording.copied({
        direction: 'download',
        path: `/tmp/\u0001${'\u65e5'.repeat(900)}${n}`,
        bytes: n,
        sha256,
      });
      await recording.room;
    }
    await recording.finish(EXITED);
    const marks = (await lab.events(recording.id)).filter(({ code }) => code === 'm');
    expect(marks).toHaveLength(2_000);
    expect(marks[7]?.data).toBe(`download ${sha256} 7 /tmp/${'\u65e5'.repeat(900)}7`);
    const files = (await lab.audits(session)).at(-1)?.data['files'];
    const listed = marks.map(({ data }) => `${data}\n`).join('');
    expect(files).toMatchObject({
      count: 2_000,
      sha256: createHash('sha256').update(listed).digest('hex'),
    });
    expect((files as { first: unknown[] }).first).toHaveLength(20);
  });

  test('is told in the audit log from beginning to end, the end with the digest of the chain', async () => {
    const { session, recording } = await opened();
    void recording.output('stdout', Buffer.from('x'));
    await recording.finish({ exitCode: null, why: 'the connection broke' });
    const audits = await lab.audits(session);
    expect(audits.map(({ action }) => action)).toEqual(['recording.started', 'recording.finished']);
    const chunks = await lab.store.chunks(recording.id, 0, 10);
    expect(audits[1]?.data).toMatchObject({
      recording: recording.id,
      why: 'the connection broke',
      chunks: 1,
      digest: Buffer.from(chunks.at(-1)?.digest ?? []).toString('hex'),
    });
  });

  test('does not begin or end without its audit event', async () => {
    const { session, recording } = await opened();
    await lab.asOwner('REVOKE INSERT ON audit_events FROM hallpass_service');
    try {
      const refused = await recorder.open(newRecording({ session }), actorOf(ROBIN));
      expect(refused).toMatchObject({ problem: 'recording-unavailable' });
      await expect(
        lab.store.finish({
          id: recording.id,
          at: new Date(),
          end: EXITED,
          audit: entryOf(session),
        }),
      ).rejects.toThrow(/permission denied/);
    } finally {
      await lab.asOwner('GRANT INSERT ON audit_events TO hallpass_service');
    }
    expect(await lab.store.ofSession(session.id)).toHaveLength(1);
    expect((await lab.store.find(recording.id))?.endedAt).toBeNull();
    await recording.finish(EXITED);
  });

  test('is ended once, however often that is asked for', async () => {
    const { session, recording } = await opened();
    await Promise.all([recording.finish(EXITED), recording.finish(EXITED)]);
    void recording.output('stdout', Buffer.from('late'));
    await recording.finish(EXITED);
    expect(await lab.audits(session)).toHaveLength(2);
    expect(await lab.shown(recording.id)).toBe('');
  });

  test('is one of so many as terms allow, whatever races', async () => {
    const session = await lab.session();
    // All of them begin before any can go on.
    const outcomes = await asAdmin(lab.fresh.serviceUrl, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT id FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
      const opening = Array.from({ length: 8 }, () =>
        recorder.open(newRecording({ session, openMax: 3 }), actorOf(ROBIN)),
      );
      await expect.poll(() => lab.waiting()).toBe(8);
      await client.query('COMMIT');
      return Promise.all(opening);
    });
    const refused = outcomes.filter(isProblem);
    expect(refused.map(({ problem }) => problem)).toEqual(Array(5).fill('too-many-streams'));
    const [first, ...others] = outcomes.filter((it): it is StreamRecording => !isProblem(it));
    await first?.finish(EXITED);
    const again = await lab.open(recorder, { session, openMax: 3 });
    await Promise.all([...others, again].map((it) => it.finish(EXITED)));
    expect(await lab.audits(session)).toHaveLength(8);
  });
});

describe('a chunk', () => {
  const chunkOf = (seq: number, text: string) => ({
    seq,
    untilMs: 0,
    bytes: Buffer.from(text),
    digest: createHash('sha256').update(text).digest(),
  });

  test('that is stored again is there once, and another in its place is refused', async () => {
    const { recording } = await opened();
    const twice = [chunkOf(1, 'a'), chunkOf(1, 'a')];
    await Promise.allSettled(twice.map((chunk) => lab.store.append(recording.id, [chunk])));
    await lab.store.append(recording.id, [chunkOf(1, 'a')]);
    await expect(lab.store.append(recording.id, [chunkOf(1, 'b')])).rejects.toThrow(
      /another digest/,
    );
    expect(await lab.store.chunks(recording.id, 0, 10)).toEqual([chunkOf(1, 'a')]);
  });

  test('is stored with those that follow it, or none of them is', async () => {
    const { recording } = await opened();
    const three = [chunkOf(1, 'a'), chunkOf(2, 'b'), chunkOf(3, 'c')];
    await lab.store.append(recording.id, three.slice(0, 2));
    await lab.store.append(recording.id, three);
    const other = [chunkOf(3, 'x'), chunkOf(4, 'd')];
    await expect(lab.store.append(recording.id, other)).rejects.toThrow(/another digest/);
    expect(await lab.store.chunks(recording.id, 0, 10)).toEqual(three);
  });

  test('is not taken for a recording that has ended, nor for one that is not', async () => {
    const { recording } = await opened();
    await recording.finish(EXITED);
    await expect(lab.store.append(recording.id, [chunkOf(2, 'a')])).rejects.toThrow(
      RecordingClosed,
    );
  });
});

describe('a store that is away', () => {
  test('fails a strict recording within its patience, and lets nobody wait for ever', async () => {
    const { recording } = await opened({}, lab.recorder({ limits: HASTY }));
    await lab.breakDatabase();
    try {
      const room = recording.output('stdout', Buffer.alloc(HASTY.unstoredBytes + 65_536, 'x'));
      expect(room).toBeInstanceOf(Promise);
      const failing = async () => {
        expect(await recording.failed).toContain('could not be recorded');
        await room;
      };
      expect(await tookMs(failing)).toBeLessThan(HASTY.patienceMs + 3_000);
      await recording.finish({ exitCode: null, why: 'recording failed' });
    } finally {
      await lab.mendDatabase();
    }
    expect((await lab.store.find(recording.id))?.endedAt).toBeNull();
  }, 30_000);

  test('that comes back in time costs a strict recording nothing', async () => {
    const { session, recording } = await opened();
    await lab.breakDatabase();
    const before = lab.journal.lines.length;
    void recording.output('stdout', Buffer.from('kept'));
    await expect.poll(() => lab.journal.lines.length).toBeGreaterThan(before);
    const ending = recording.finish(EXITED);
    await lab.mendDatabase();
    await ending;
    expect(await lab.shown(recording.id)).toBe('kept');
    expect((await lab.audits(session)).at(-1)).toMatchObject({
      action: 'recording.finished',
      data: { gaps: 0 },
    });
  }, 30_000);

  test('keeps of a flood of sizes those that something may be shown at, and the last', async () => {
    const limits = { ...RECORDING_LIMITS, chunkBytes: 500, unstoredBytes: 2_000 };
    const { recording } = await opened({}, lab.recorder({ limits }));
    await lab.breakDatabase();
    for (let columns = 1; columns <= 50_000; columns++) recording.resize({ columns, rows: 24 });
    expect(recording.room).toBeInstanceOf(Promise);
    await lab.mendDatabase();
    await recording.room;
    void recording.output('stdout', Buffer.from('$ '));
    await recording.finish(EXITED);
    const sizes = (await lab.events(recording.id)).filter(({ code }) => code !== 'x');
    expect(sizes.length).toBeLessThan(200);
    expect(sizes.slice(-2).map(({ data }) => data)).toEqual(['50000x24', '$ ']);
  }, 30_000);

  test('leaves a marked gap at best effort, audited once, and the recording goes on', async () => {
    const hasty = lab.recorder({ limits: HASTY });
    const { session, recording } = await opened({ mode: 'best-effort' }, hasty);
    const piece = Buffer.alloc(65_536, 'y');
    void recording.output('stdout', Buffer.from('before\n'));
    await lab.breakDatabase();
    let sent = 7;
    try {
      for (let n = 0; n < 400; n++) {
        await recording.output('stdout', piece);
        sent += piece.length;
      }
    } finally {
      await lab.mendDatabase();
    }
    const isTold = async () => ((await lab.store.find(recording.id))?.gaps ?? 0) > 0;
    await vi.waitUntil(isTold, { timeout: 15_000, interval: 50 });
    void recording.output('stdout', Buffer.from('after\n'));
    sent += 6;
    await recording.finish(EXITED);
    const text = await lab.shown(recording.id);
    expect(text.startsWith('before\n')).toBe(true);
    expect(text.endsWith('after\n')).toBe(true);
    expect(text.length).toBeLessThan(2 * HASTY.unstoredBytes);
    const lost = sent - text.length;
    expect(await lab.shown(recording.id, 'm')).toContain(`A gap: ${lost} bytes`);
    const audits = await lab.audits(session);
    expect(audits.map(({ action }) => action)).toEqual([
      'recording.started',
      'recording.gap',
      'recording.finished',
    ]);
    expect(audits[1]?.data).toMatchObject({ bytes: lost });
    expect(audits[2]?.data).toMatchObject({ gaps: 1, shownBytes: sent });
  }, 30_000);

  test.each(['strict', 'best-effort'] as const)(
    'when a stream ends leaves a gap that is audited, with the digest of what is stored: %s',
    async (mode) => {
      // What it stores it does not say.
      class Mute extends PrismaRecordingStore {
        isMute = false;
        override async append(...args: Parameters<PrismaRecordingStore['append']>): Promise<void> {
          await super.append(...args);
          if (this.isMute) throw new Error('the answer was lost');
        }
      }
      const store = new Mute(lab.database, () => () => undefined);
      // Time enough to store what comes first, however busy the machine is, and little for the rest.
      const limits = { ...HASTY, patienceMs: 30_000 };
      const { session, recording } = await opened({ mode }, lab.recorder({ store, limits }));
      void recording.output('stdout', Buffer.from('stored'));
      await expect.poll(() => lab.store.chunks(recording.id, 0, 10)).toHaveLength(1);
      store.isMute = true;
      limits.patienceMs = 300;
      void recording.output('stdout', Buffer.from('unanswered'));
      await recording.finish(EXITED);
      // Its chain is followed to its end.
      expect(await lab.shown(recording.id)).toBe('storedunanswered');
      const info = await lab.store.find(recording.id);
      expect(info).toMatchObject({ gaps: 1, chunks: 2, isAbandoned: false, end: EXITED });
      const audits = await lab.audits(session);
      expect(audits).toHaveLength(3);
      const told = (action: string) => audits.find((it) => it.action === action)?.data;
      expect(told('recording.gap')).toMatchObject({ bytes: 10 });
      expect(told('recording.finished')).toMatchObject({
        chunks: 2,
        gaps: 1,
        digest: Buffer.from(info?.digest ?? []).toString('hex'),
      });
    },
  );

  test('lets nobody begin whose recording could not, at best effort neither', async () => {
    const session = await lab.session();
    await lab.breakDatabase();
    try {
      for (const mode of ['strict', 'best-effort'] as const)
        expect(await recorder.open(newRecording({ session, mode }), actorOf(ROBIN))).toMatchObject({
          problem: 'recording-unavailable',
        });
    } finally {
      await lab.mendDatabase();
    }
  }, 30_000);

  test('writes a gap once, however often it is told', async () => {
    const { session, recording } = await opened();
    const audit = entryOf(session);
    await lab.store.gap(recording.id, audit);
    await lab.store.gap(recording.id, audit);
    expect((await lab.store.find(recording.id))?.gaps).toBe(1);
    await recording.finish(EXITED);
  });
});
