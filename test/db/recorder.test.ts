import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { XtermScreens } from '../../src/adapters/screen/xterm.screens.js';
import { ReadScreens } from '../../src/app/read-screens.js';
import { isProblem } from '../../src/domain/problem.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import { CastReader } from '../../src/domain/recording/asciicast.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import { RecordingLab } from '../support/recording.lab.js';
import { ROBIN, actorOf } from '../support/sessions.js';

let lab: RecordingLab;
beforeAll(async () => {
  lab = await RecordingLab.start();
});
afterAll(() => lab[Symbol.asyncDispose]());

const EXITED = { exitCode: 0, why: 'exited' };

async function shown(id: RecordingId, code = 'o'): Promise<string> {
  const reader = new CastReader();
  let text = '';
  for (const chunk of await lab.store.chunks(id, 0, 10_000))
    for (const line of (await decompress(chunk.bytes)).toString().split('\n')) {
      const event = reader.read(line);
      if (event?.code === code) text += event.data;
    }
  return text;
}

describe('a recording', () => {
  test('is one of so many as terms allow, whatever races', async () => {
    const session = await lab.session();
    const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    // All of them begin before any can go on.
    const outcomes = await lab.asService(async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT id FROM sessions WHERE id = $1 FOR UPDATE', [session.id]);
      const opening = Array.from({ length: 8 }, () =>
        lab.recorder().open(lab.newRecording(session, { openMax: 3 }), actorOf(ROBIN)),
      );
      await expect.poll(async () => (await lab.database.pool.query(waiting)).rows[0].n).toBe(8);
      await client.query('COMMIT');
      return Promise.all(opening);
    });
    expect(outcomes.filter(isProblem).map(({ problem }) => problem)).toEqual(
      Array(5).fill('too-many-streams'),
    );
    const opened = outcomes.filter((it): it is StreamRecording => !isProblem(it));
    await Promise.all(opened.map((it) => it.finish(EXITED)));
  });

  test('ends however many files were copied and whatever they are called', async () => {
    const { recording } = await lab.recording(undefined, { kind: 'copy' });
    for (let n = 0; n < 500; n++)
      recording.copied({
        direction: 'download',
        path: `/tmp/${'\u65e5'.repeat(900)}${n}`,
        bytes: n,
        sha256: 'ab'.repeat(32),
      });
    await recording.finish(EXITED);
    expect((await lab.store.find(recording.id))?.endedAt).toBeInstanceOf(Date);
  });

  test('is read off its screen when it has ended, and found by what was to be read there', async () => {
    const { recording } = await lab.recording();
    void recording.output('stdout', Buffer.from('$ \u001b[31mzebra\u001b[0m cross'));
    void recording.output('stdout', Buffer.from('ing\r\nhorse\b\b\b\b\bmouse\r\n'));
    await recording.finish(EXITED);
    const screens = new XtermScreens();
    const { store, journal } = lab;
    const reading = new ReadScreens({ store, screens, decompress, journal });
    while (await reading.next());
    await screens.close();
    expect((await store.screen(recording.id, 10)).map(({ text }) => text)).toEqual([
      '$ zebra crossing',
      'mouse',
    ]);
    expect(await store.search({ text: 'zebra crossing', session: null, limit: 5 })).toMatchObject([
      { recording: recording.id },
    ]);
    expect(await store.search({ text: 'horse', session: null, limit: 5 })).toEqual([]);
  });
});

describe('a store that is away', () => {
  test('fails a strict recording within seconds, and lets nobody wait for ever', async () => {
    const { recording } = await lab.recording();
    await lab.breakDatabase();
    try {
      const began = performance.now();
      const room = recording.output('stdout', Buffer.alloc(1_200_000, 'x'));
      expect(room).toBeInstanceOf(Promise);
      expect(await recording.failed).toContain('could not be recorded');
      await room;
      expect(performance.now() - began).toBeLessThan(10_000);
      await recording.finish({ exitCode: null, why: 'recording failed' });
    } finally {
      await lab.mendDatabase();
    }
  }, 30_000);

  test('that comes back in time costs a strict recording nothing', async () => {
    const { recording } = await lab.recording();
    await lab.breakDatabase();
    void recording.output('stdout', Buffer.from('kept'));
    const ended = recording.finish(EXITED);
    await lab.mendDatabase();
    await ended;
    expect(await shown(recording.id)).toBe('kept');
    expect((await lab.store.find(recording.id))?.end).toEqual(EXITED);
  }, 30_000);

  test('leaves a marked gap at best effort, and memory stays bounded', async () => {
    const { recording } = await lab.recording(undefined, { mode: 'best-effort' });
    await lab.breakDatabase();
    const piece = Buffer.alloc(65_536, 'y');
    try {
      for (let n = 0; n < 100; n++) await recording.output('stdout', piece);
    } finally {
      await lab.mendDatabase();
    }
    await expect
      .poll(() => lab.count('recording_chunks', recording.id), { timeout: 10_000 })
      .toBeGreaterThan(0);
    await expect
      .poll(async () => (await lab.store.find(recording.id))?.gaps, { timeout: 10_000 })
      .toBe(1);
    void recording.output('stdout', Buffer.from('after'));
    await recording.finish(EXITED);
    const text = await shown(recording.id);
    expect(text.endsWith('after')).toBe(true);
    expect(text.length).toBeLessThan(3_000_000);
    expect(await shown(recording.id, 'm')).toMatch(/^A gap: \d+ bytes/);
  }, 40_000);
});
