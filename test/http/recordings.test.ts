import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { ReadRecordings } from '../../src/app/read-recordings.js';
import type { RecordStreams } from '../../src/app/record-streams.js';
import { CastReader } from '../../src/domain/recording/asciicast.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import type { Session } from '../../src/domain/session/session.js';
import type { Api, Who } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { RecordingLab } from '../support/recording.lab.js';

let lab: RecordingLab;
let recorder: RecordStreams;
let api: Api;
beforeAll(async () => {
  lab = await RecordingLab.start();
  recorder = lab.recorder();
  const { sessions: store, store: recordings, clock, journal } = lab;
  const readRecordings = new ReadRecordings({ store, recordings, decompress, clock, journal });
  api = await startApi({ deps: { store, readRecordings } });
});
afterAll(async () => {
  await api.close();
  await lab[Symbol.asyncDispose]();
});

/** A recording of Robin's, on a session that leads of `payments-leads` decide about. */
async function recorded(text: string, { finish = true, lines = [] as string[] } = {}) {
  const session = await lab.session();
  const recording = await lab.open(recorder, { session });
  await recording.output('stdout', Buffer.from(text));
  recording.mark('Alex watches.');
  if (finish) {
    await recording.finish({ exitCode: 3, why: 'exited' });
    await lab.store.keepScreen(
      recording.id,
      lines.map((line, n) => ({ atMs: n * 61_000, text: line })),
    );
  }
  return { id: recording.id, session, recording };
}

const get = (operation: string, path: string, who: Who = 'auditor') =>
  api.call(operation, { who, path });
const cast = (id: RecordingId, version: 2 | 3 = 3, who: Who = 'auditor') =>
  get('readCast', `/v1/recordings/${id}/cast?version=${version}`, who);
const audited = async (session: Session) => (await lab.audits(session)).map(({ action }) => action);

describe('who may read a recording', () => {
  test.each([
    ['robin', 200, 200],
    ['alex', 200, 200],
    ['auditor', 200, 200],
    // What there is, not what was shown.
    ['admin', 200, 403],
    ['stranger', 404, 404],
    ['nobody', 403, 403],
  ] as const)('%s: of itself %i, what was shown %i', async (who, itself, shown) => {
    const { id, session } = await recorded('hello\r\n');
    const list = await get('listRecordings', `/v1/sessions/${session.id}/recordings`, who);
    const one = await get('readRecording', `/v1/recordings/${id}`, who);
    expect([list.status, one.status]).toEqual([itself, itself]);
    const text = await get('readScreen', `/v1/recordings/${id}/text`, who);
    const stored = await get('readStoredRecording', `/v1/recordings/${id}/stored`, who);
    const casts = [(await cast(id, 3, who)).status, (await cast(id, 2, who)).status];
    expect([...casts, text.status, stored.status]).toEqual([shown, shown, shown, shown]);
    expect(await audited(session)).toHaveLength(shown === 200 ? 6 : 2);
  });

  test('is told to nobody else: theirs and none are answered alike', async () => {
    const { id } = await recorded('hello\r\n');
    const none = newRecordingId();
    const [theirs, unknown] = [await cast(id, 3, 'stranger'), await cast(none, 3, 'stranger')];
    expect(theirs.body.detail.replace(id, '')).toBe(unknown.body.detail.replace(none, ''));
  });

  test('ids that are none are not there either', async () => {
    for (const path of ['x', '..%2f..', '%00', 'A'.repeat(16), '1'.repeat(500)]) {
      expect((await get('readRecording', `/v1/recordings/${path}`)).status).toBe(404);
      expect((await get('readCast', `/v1/recordings/${path}/cast`)).status).toBe(404);
    }
    const { id } = await recorded('x');
    expect((await get('readCast', `/v1/recordings/${id}/cast?version=1`)).status).toBe(400);
  });
});

describe('a recording', () => {
  test('says of itself what there is to know, and shows nothing by that', async () => {
    const { id, session } = await recorded('hello\r\n');
    const { body } = await get('readRecording', `/v1/recordings/${id}`);
    expect(body).toMatchObject({
      id,
      session: session.id,
      kind: 'terminal',
      state: 'ended',
      mode: 'strict',
      exitCode: 3,
      why: 'exited',
      chunks: 1,
      gaps: 0,
      held: false,
    });
    expect(JSON.stringify(body)).not.toContain('hello');
    const list = await get('listRecordings', `/v1/sessions/${session.id}/recordings`);
    expect(list.body).toEqual({ items: [body], nextCursor: null });
    expect(await audited(session)).not.toContain('recording.read');
  });

  test('is given as asciicast in both versions, which agree, and each time audited', async () => {
    const { id, session } = await recorded('héllo \u001b[31m日本\r\n');
    const v3 = await cast(id, 3, 'alex');
    expect(v3.headers.get('content-type')).toBe('application/x-asciicast; charset=utf-8');
    expect(v3.headers.get('content-disposition')).toContain(`${id}.cast`);
    const [header, ...lines] = v3.text.trimEnd().split('\n');
    expect(JSON.parse(header ?? '')).toMatchObject({ version: 3, term: { cols: 80, rows: 24 } });
    const reader = new CastReader();
    const events = lines.map((line) => reader.read(line));
    expect(events.map((event) => [event?.code, event?.data])).toEqual([
      ['o', 'héllo \u001b[31m日本\r\n'],
      ['m', 'Alex watches.'],
      ['x', '3'],
    ]);
    const v2 = (await cast(id, 2, 'robin')).text.trimEnd().split('\n');
    expect(JSON.parse(v2[0] ?? '')).toMatchObject({ version: 2, width: 80, height: 24 });
    expect(v2.slice(1).map((line) => JSON.parse(line) as unknown)).toEqual(
      events.slice(0, 2).map((event) => [(event?.atMs ?? 0) / 1000, event?.code, event?.data]),
    );
    const reads = (await lab.audits(session)).filter(({ action }) => action === 'recording.read');
    expect(reads.map(({ data }) => data['form'])).toEqual(['asciicast v3', 'asciicast v2']);
  });

  test('gives nothing that is not in the audit log first', async () => {
    const { id, session } = await recorded('secret\r\n', { lines: ['secret'] });
    await lab.asOwner('REVOKE INSERT ON audit_events FROM hallpass_service');
    try {
      const paths = ['cast', 'text'].map((form) => `/v1/recordings/${id}/${form}`);
      for (const path of [...paths, `/v1/recordings/search?q=secret&session=${session.id}`]) {
        const { status, text } = await get('readCast', path);
        expect(status).toBeGreaterThanOrEqual(500);
        expect(text).not.toContain('secret');
      }
    } finally {
      await lab.asOwner('GRANT INSERT ON audit_events TO hallpass_service');
    }
  });

  test('answers no HEAD, which would be a reading by somebody who is shown nothing', async () => {
    const { id, session } = await recorded('hello\r\n');
    for (const [path, status] of [
      [`/v1/recordings/${id}/cast`, 405],
      [`/v1/recordings/${id}/text`, 405],
      // By the table of addresses it could be that of a recording, which takes HEAD.
      [`/v1/recordings/search?q=hello&session=${session.id}`, 404],
      [`/v1/sessions/${session.id}/kubeconfig?credential=token`, 405],
      ['/v1/audit/events', 405],
    ] as const) {
      const head = await api.call('readCast', { who: 'alex', method: 'HEAD', path });
      expect([path, head.status]).toEqual([path, status]);
    }
    const actions = (await lab.audits(session)).map(({ action }) => action);
    expect(actions).toEqual(['recording.started', 'recording.finished']);
  });

  test('that lost its last chunks in the store says so, for the audit log knows of them', async () => {
    const { id, recording } = await recorded('first\r\n', { finish: false });
    await expect.poll(() => lab.count('recording_chunks', id)).toBe(1);
    await recording.output('stdout', Buffer.from('guilty\r\n'));
    expect((await cast(id)).text).not.toContain('Broken');
    await recording.finish({ exitCode: 0, why: 'exited' });
    expect((await cast(id)).text).not.toContain('Broken');
    await asAdmin(lab.fresh.adminUrl, async (client) => {
      // Whoever may do this leaves a chain that is whole.
      await client.query(`SET session_replication_role = 'replica'`);
      await client.query('ALTER TABLE recording_bodies DISABLE TRIGGER recording_body_stays');
      await client.query('ALTER TABLE recording_chunks DISABLE TRIGGER append_only_rows');
      for (const table of ['recording_bodies', 'recording_chunks'])
        await client.query(`DELETE FROM ${table} WHERE recording_id = $1 AND seq > 1`, [id]);
      await client.query('ALTER TABLE recording_bodies ENABLE ALWAYS TRIGGER recording_body_stays');
      await client.query('ALTER TABLE recording_chunks ENABLE ALWAYS TRIGGER append_only_rows');
    });
    for (const version of [2, 3] as const) {
      const { text } = await cast(id, version);
      expect(text).toContain('first');
      expect(text).not.toContain('guilty');
      expect(text).toContain('it ends with chunk 1, and by the audit log with chunk 2');
    }
  });

  test('that was changed in the store is sent up to there, and says so', async () => {
    const { id, recording } = await recorded('first\r\n', { finish: false });
    await expect.poll(() => lab.count('recording_chunks', id)).toBe(1);
    await recording.output('stdout', Buffer.from('innocent\r\n'));
    await recording.finish({ exitCode: 0, why: 'exited' });
    await asAdmin(lab.fresh.adminUrl, async (client) => {
      await client.query('ALTER TABLE recording_bodies DISABLE TRIGGER recording_body_stays');
      await client.query(
        `UPDATE recording_bodies SET bytes = bytes || '\\x00' WHERE recording_id = $1 AND seq = 2`,
        [id],
      );
      await client.query('ALTER TABLE recording_bodies ENABLE ALWAYS TRIGGER recording_body_stays');
    });
    for (const version of [2, 3] as const) {
      const { text } = await cast(id, version);
      expect(text).toContain('first');
      expect(text).not.toContain('innocent');
      expect(text).toContain('chunk 2 is not what its digest says');
    }
    expect(lab.journal.lines.at(-1)).toMatchObject({ level: 'error', facts: { recording: id } });
  });

  test('that goes on is given as far as it is stored', async () => {
    const { id, recording } = await recorded('so far', { finish: false });
    const running = await get('readRecording', `/v1/recordings/${id}`);
    expect(running.body).toMatchObject({ state: 'running', endedAt: null, keepUntil: null });
    await expect.poll(() => lab.count('recording_chunks', id)).toBe(1);
    expect((await cast(id)).text).toContain('so far');
    await recording.finish({ exitCode: 0, why: 'exited' });
  });

  test('is not there any more once its time is over, and says so', async () => {
    const session = await lab.session();
    const recording = await lab.open(recorder, { session, keepSeconds: 0 });
    await recording.finish({ exitCode: 0, why: 'exited' });
    await lab.keeper().once();
    expect((await get('readRecording', `/v1/recordings/${recording.id}`)).body.state).toBe(
      'dropped',
    );
    expect((await cast(recording.id)).body.detail).toContain('dropped');
    expect((await cast(recording.id)).status).toBe(404);
  });

  test('of many megabytes is read from the store as fast as it is taken, and no faster', async () => {
    const session = await lab.session();
    const recording = await lab.open(recorder, { session });
    const digest = createHash('sha256');
    for (let n = 0; n < 160; n++) {
      const piece = randomBytes(200_000).toString('base64');
      digest.update(piece);
      await recording.output('stdout', Buffer.from(piece));
    }
    await recording.finish({ exitCode: 0, why: 'exited' });
    const read = vi.spyOn(lab.store, 'chunks');
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: 'Bearer auditor' };
      const path = `/v1/recordings/${recording.id}/cast`;
      request({ port: api.port, path, headers }, resolve).on('error', reject).end();
    });
    response.pause();
    // The sockets' buffers fill, and then it stands still.
    let calls = -1;
    await vi.waitUntil(
      () => {
        const before = calls;
        calls = read.mock.calls.length;
        return calls > 0 && calls === before;
      },
      { timeout: 10_000, interval: 500 },
    );
    const all = (await lab.store.find(recording.id))?.chunks ?? 0;
    expect(all).toBeGreaterThan(100);
    expect(calls * 8).toBeLessThan(all / 2);
    read.mockRestore();
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece as string;
    const reader = new CastReader();
    const shown = createHash('sha256');
    for (const line of text.split('\n')) {
      const event = reader.read(line);
      if (event?.code === 'o') shown.update(event.data);
    }
    expect(shown.digest('hex')).toBe(digest.digest('hex'));
  }, 60_000);
});

describe('what was on the screen', () => {
  test('is given as text with times, and called what it is', async () => {
    const { id, session } = await recorded('x', { lines: ['bold move', 'later'] });
    const { text, headers } = await get('readScreen', `/v1/recordings/${id}/text`);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text).toContain('not what was executed');
    expect(text).toMatch(/^ *0:00 {2}bold move\n *1:01 {2}later$/m);
    expect(await audited(session)).toContain('recording.read');
  });

  test('is searched in one session by those who may read it, and in all by auditors alone', async () => {
    const { id, session } = await recorded('x', { lines: ['drop table zebras;', 'no zebras'] });
    const other = await recorded('x', { lines: ['zebras elsewhere'] });
    const search = (query: string, who: Who = 'auditor') =>
      get('searchScreens', `/v1/recordings/search?q=${query}`, who);
    const one = await search(`drop+zebras&session=${session.id}`, 'robin');
    expect(one.body).toEqual({
      items: [
        {
          recording: id,
          session: session.id,
          at: expect.any(String) as string,
          atMs: 0,
          text: 'drop table zebras;',
        },
      ],
      shows: 'what was on the screen, not what was executed',
      nextCursor: null,
    });
    expect((await lab.audits(session)).at(-1)).toMatchObject({
      action: 'recording.searched',
      data: { text: 'drop zebras' },
    });
    const pages: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await search(`zebras&limit=1${cursor}`);
      pages.push(...body.items.map((it: { text: string }) => it.text));
      if (body.nextCursor === null) break;
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(pages).toEqual(['zebras elsewhere', 'drop table zebras;', 'no zebras']);
    expect((await search('zebras', 'robin')).status).toBe(403);
    expect((await search(`zebras&session=${session.id}`, 'stranger')).status).toBe(404);
    expect((await search(`zebras&session=${other.session.id}`, 'admin')).status).toBe(403);
    const { nextCursor } = (await search('zebras&limit=1')).body;
    expect((await search(`horses&cursor=${nextCursor}`)).body.type).toBe(
      'urn:hallpass:problem:invalid-cursor',
    );
  });

  test('is searched for words: anything else is refused or does no harm', async () => {
    const search = (q: string) =>
      get('searchScreens', `/v1/recordings/search?q=${encodeURIComponent(q)}`);
    for (const q of ['', '\u0000', 'a'.repeat(201)])
      expect([q, (await search(q)).status]).toEqual([q, 400]);
    for (const q of ["a' & b:*", 'a <-> !b', ':*', '日本', "'); DROP TABLE x; --", '"', '\\'])
      expect([q, (await search(q)).status]).toEqual([q, 200]);
  });
});

describe('holding a recording', () => {
  test('is for auditors, says why, and is undone by them', async () => {
    const { id, session } = await recorded('evidence\r\n');
    const hold = (who: Who, body: object) =>
      api.call('holdRecording', { who, method: 'POST', path: `/v1/recordings/${id}/hold`, body });
    for (const who of ['robin', 'alex', 'admin'] as const)
      expect((await hold(who, { hold: true })).status).toBe(403);
    expect((await hold('auditor', {})).status).toBe(422);
    for (let n = 0; n < 2; n++) {
      const held = await hold('auditor', { hold: true, reason: 'INC-1' });
      expect([held.status, held.body.held]).toEqual([200, true]);
    }
    expect((await hold('auditor', { hold: false })).body.held).toBe(false);
    const acts = (await lab.audits(session)).slice(2);
    expect(acts.map(({ action }) => action)).toEqual(['recording.held', 'recording.released']);
    expect(acts[0]?.data).toMatchObject({ recording: id, reason: 'INC-1' });
  });
});
