import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { ReadRecordings } from '../../src/app/read-recordings.js';
import type { NewRecording, RecordingId } from '../../src/domain/recording/recording.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { RecordingLab } from '../support/recording.lab.js';

let lab: RecordingLab;
let api: Api;
let home: HallpassHome;
beforeAll(async () => {
  lab = await RecordingLab.start();
  const { sessions: store, store: recordings, clock, journal } = lab;
  const readRecordings = new ReadRecordings({ store, recordings, decompress, clock, journal });
  api = await startApi({ deps: { store, readRecordings } });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'auditor' });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await api.close();
  await lab[Symbol.asyncDispose]();
});

async function recorded(
  over: Partial<NewRecording>,
  parts: readonly string[],
  mark?: string,
): Promise<RecordingId> {
  const session = await lab.session();
  const recording = await lab.open(lab.recorder(), { session, ...over });
  for (const [done, part] of parts.entries()) {
    if (done > 0) {
      await expect.poll(() => lab.count('recording_chunks', recording.id)).toBe(done);
    }
    await recording.output('stdout', Buffer.from(part));
  }
  if (mark !== undefined) recording.mark(mark);
  await recording.finish({ exitCode: 3, why: 'exited' });
  return recording.id;
}

/** What somebody at a terminal sees of it. */
async function played(id: RecordingId): Promise<string> {
  using person = home.terminal(['recording', 'play', id, '--speed', '1000']);
  expect(await person.ended()).toBe(0);
  return person.shown;
}

describe('a recording that is played in a terminal', () => {
  test('shows new lines where there was no terminal that made them', async () => {
    const logs = await recorded({ kind: 'logs', tty: false }, ['one\ntwo\r\nthree\n']);
    expect(await played(logs)).toContain('one\r\ntwo\r\nthree\r\n');
  });

  test('shows line feeds as they were where there was one', async () => {
    const screen = await recorded({ tty: true }, ['one\ntwo']);
    expect(await played(screen)).toContain('one\ntwo');
  });

  test('shows its marks, as of copied files, and how it ended', async () => {
    const copy = await recorded({ kind: 'copy', tty: false }, [], 'download ab12 5 tmp/heap');
    const shown = await played(copy);
    expect(shown).toContain('[hallpass] download ab12 5 tmp/heap\r\n');
    expect(shown).toContain('[hallpass] ended with 3\r\n');
  });

  test('says where it is broken, and that nothing more of it is shown', async () => {
    const id = await recorded({}, ['first\r\n', 'innocent\r\n']);
    await asAdmin(lab.fresh.adminUrl, async (client) => {
      await client.query('ALTER TABLE recording_bodies DISABLE TRIGGER recording_body_stays');
      await client.query(
        `UPDATE recording_bodies SET bytes = bytes || '\\x00' WHERE recording_id = $1 AND seq = 2`,
        [id],
      );
      await client.query('ALTER TABLE recording_bodies ENABLE ALWAYS TRIGGER recording_body_stays');
    });
    const shown = await played(id);
    expect(shown).toMatch(/first[^]*\[hallpass\] Broken: chunk 2 is not what its digest says/);
    expect(shown).not.toContain('innocent');
  });
});
