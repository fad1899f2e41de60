import '../support/needs.containers.js';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiClient } from '../../sandbox/broker/api.client.js';
import type { PersonKey } from '../../sandbox/identity/people.js';
import type { Broker } from '../../src/broker.js';
import { RecordingList, ScreenHits } from '../../src/contract/recording.schema.js';
import { TicketView } from '../../src/contract/terminal.schema.js';
import { CastReader } from '../../src/domain/recording/asciicast.js';
import { tookMs } from '../support/own.time.js';
import { TerminalClient } from '../support/terminal.client.js';
import { EnteringLab, endSession } from './entering.lab.js';

/** Recording by whole brokers, into the database that they share. */
let lab: EnteringLab;
let here: Broker;
let there: Broker;
let database: pg.Pool;
beforeAll(async () => {
  lab = await EnteringLab.start();
  const real = <T>(inner: T): T => inner;
  const around = { recorder: real, presence: real };
  [here, there] = [await lab.broker(around), await lab.broker(around)];
  database = new pg.Pool({ connectionString: lab.lab.database.serviceUrl, max: 2 });
});
afterAll(async () => {
  await database.end();
  await lab[Symbol.asyncDispose]();
});

async function connect(
  person: PersonKey,
  id: string,
  { kind, broker, query = '' }: { kind: 'terminal' | 'watch'; broker: Broker; query?: string },
): Promise<TerminalClient> {
  const client = await lab.lab.as(person, broker);
  const answer = await client.call('POST', `/v1/sessions/${id}/tickets`, { body: { kind } });
  const { ticket } = TicketView.parse(answer.body);
  const port = Number(new URL(broker.url).port);
  const opened = TerminalClient.connect(port, { id, ticket, kind, query });
  await opened.said('open');
  return opened;
}

async function recordingsOf(reader: ApiClient, id: string) {
  const answer = await reader.call('GET', `/v1/sessions/${id}/recordings`);
  return RecordingList.parse(answer.body).items;
}

/** What a watcher was shown, as text. */
function watched({ texts }: TerminalClient): string {
  const reader = new CastReader();
  return texts
    .map(({ line }) => (typeof line === 'string' ? reader.read(line) : undefined))
    .map((event) => (event?.code === 'o' ? event.data : ''))
    .join('');
}

describe('a terminal on the record', () => {
  test('is watched on another replica as it goes, verified by hand, played, and found by what it showed', async () => {
    const { robin, asked, id } = await lab.ask(here, 'asked');
    const alex = await lab.lab.as('approver', there);
    await alex.decide(asked, 'approve');
    await robin.until(id, ['active']);
    const watching = await connect('approver', id, { kind: 'watch', broker: there });
    const terminal = await connect('requester', id, { kind: 'terminal', broker: here });
    terminal.type(`printf '\\033[1;31m%s\\033[0m %s\\n' zebra-$((40 + 2)) '日本 ü 😀'\n`);
    const seen = () => expect(terminal.bytes().toString()).toContain('zebra-42\u001b[0m 日本 ü 😀');
    await vi.waitFor(seen, { timeout: 15_000, interval: 5 });
    const isWatched = () => watched(watching).includes('zebra-42\u001b[0m 日本 ü 😀');
    const watchedMs = await tookMs(() =>
      vi.waitUntil(isWatched, { timeout: 15_000, interval: 10 }),
    );
    expect(watchedMs).toBeLessThan(2_000);
    terminal.type('exit 3\n');
    await terminal.said('end');
    const shown = terminal.bytes();
    watching.leave();
    await vi.waitUntil(async () => (await recordingsOf(alex, id))[0]?.state === 'ended', 15_000);
    const [recording] = await recordingsOf(alex, id);
    if (!recording) throw new Error('nothing was recorded');
    expect(recording).toMatchObject({ kind: 'terminal', mode: 'strict', exitCode: 3, gaps: 0 });

    // By hand: each chunk with the digest before it, from the header to what the audit log says.
    const { rows } = await database.query<{ header: string; bytes: Buffer }>(
      `SELECT r.header, b.bytes FROM recordings r JOIN recording_bodies b ON b.recording_id = r.id
       WHERE r.id = $1 ORDER BY b.seq`,
      [recording.id],
    );
    const sha256sum = (input: Buffer) =>
      execFileSync('sha256sum', { input }).toString().slice(0, 64);
    let digest = sha256sum(Buffer.from(`${rows[0]?.header}\n`));
    for (const { bytes } of rows)
      digest = sha256sum(Buffer.concat([Buffer.from(digest, 'hex'), bytes]));
    const audit = await (await lab.lab.as('auditor', here)).audit(id);
    const finished = audit.find(({ action }) => action === 'recording.finished');
    expect((finished?.body as { data: object }).data).toMatchObject({
      digest,
      shownBytes: shown.length,
      shownSha256: createHash('sha256').update(shown).digest('hex'),
    });
    const lines = rows.map(({ bytes }) => gunzipSync(bytes).toString()).join('');

    // Played: what the player is given is what was shown, byte for byte.
    const cast = await alex.call('GET', `/v1/recordings/${recording.id}/cast`);
    expect(cast.body).toBe(`${rows[0]?.header}\n${lines}`);
    const reader = new CastReader();
    const events = lines.split('\n').flatMap((line) => reader.read(line) ?? []);
    const played = events.map(({ code, data }) => (code === 'o' ? data : '')).join('');
    expect(Buffer.from(played).equals(shown)).toBe(true);
    expect(events.some(({ code }) => code === 'm')).toBe(true);

    // Found: by what stood there, without colours.
    const search = async () => {
      const path = `/v1/recordings/search?q=${encodeURIComponent('"zebra-42"')}&session=${id}`;
      return ScreenHits.parse((await alex.call('GET', path)).body).items;
    };
    await vi.waitUntil(async () => (await search()).length > 0, { timeout: 10_000, interval: 200 });
    expect((await search()).map(({ text }) => text)).toContain('zebra-42 日本 ü 😀');
    await endSession(robin, id);
  }, 60_000);

  test('and the wait for it are in the metrics of the replica where they ended, and of no other', async () => {
    const before = await Promise.all([here, there].map(measured));
    const { robin, asked, id } = await lab.ask(here, 'asked');
    await (await lab.lab.as('approver', there)).decide(asked, 'approve');
    await robin.until(id, ['active']);
    const terminal = await connect('requester', id, { kind: 'terminal', broker: here });
    await vi.waitUntil(() => terminal.bytes().length > 0, 15_000);
    const grown = async () => {
      const after = await Promise.all([here, there].map(measured));
      return after.map((counts, of) => counts.map((count, at) => count - (before[of]?.[at] ?? 0)));
    };
    const either = expect.any(Number) as number;
    await expect.poll(grown).toEqual([
      [0, 1, either],
      [1, 0, either],
    ]);
    const starts = async () => (await grown()).reduce((sum, [, , count]) => sum + (count ?? 0), 0);
    await expect.poll(starts).toBe(1);
    terminal.leave();
    await endSession(robin, id);
  });

  /** So many waits for consent, prompts and starts, as the metrics of a replica say. */
  async function measured(broker: Broker): Promise<number[]> {
    const text = await (await fetch(`${broker.managementUrl}/metrics`)).text();
    return [
      /^hallpass_consent_wait_seconds_count\{outcome="approved"\} (\d+)/m,
      /^hallpass_time_to_prompt_seconds_count\{cluster="sandbox"\} (\d+)/m,
      /^hallpass_session_start_seconds_count\{cluster="sandbox",outcome="started"\} (\d+)/m,
    ].map((series) => Number(series.exec(text)?.[1] ?? 0));
  }

  test('is a recording of its own for each stream, with its exit code', async () => {
    const { robin, id } = await lab.active(here);
    const query = (script: string) =>
      `?${['/bin/sh', '-c', script].map((it) => `command=${encodeURIComponent(it)}`).join('&')}`;
    for (const code of [0, 7]) {
      const client = await connect('requester', id, {
        kind: 'terminal',
        broker: here,
        query: query(`echo out; exit ${code}`),
      });
      await client.said('end');
    }
    await vi.waitUntil(
      async () => (await recordingsOf(robin, id)).every(({ state }) => state === 'ended'),
      15_000,
    );
    const all = await recordingsOf(robin, id);
    expect(all.map(({ kind, exitCode }) => [kind, exitCode])).toEqual([
      ['exec', 0],
      ['exec', 7],
    ]);
    await endSession(robin, id);
  }, 60_000);
});

describe('a store that is away while somebody works', () => {
  async function withoutStore(work: () => Promise<void>): Promise<void> {
    // The recordings' tables alone: the session itself can still be ended.
    const owner = new pg.Client({ connectionString: lab.lab.database.ownerUrl });
    await owner.connect();
    await owner.query('REVOKE INSERT ON recording_chunks FROM hallpass_service');
    try {
      await work();
    } finally {
      await owner.query('GRANT INSERT ON recording_chunks TO hallpass_service');
      await owner.end();
    }
  }

  /** Of recordings, on the first replica, as its metrics say. */
  async function failures(): Promise<number> {
    const metrics = await (await fetch(`${here.managementUrl}/metrics`)).text();
    return Number(/^hallpass_recording_failures_total (\d+)/m.exec(metrics)?.[1]);
  }

  test('ends a strict session, with the reason, within seconds', async () => {
    const { robin, id } = await lab.active(here);
    const inside = await lab.enter(here, id);
    await inside.answers();
    await withoutStore(async () => {
      await inside.type('echo more');
      await expect
        .poll(() => inside.end, { timeout: 25_000 })
        .toMatchObject({
          kind: 'session-over',
          reason: 'recording-failed',
        });
    });
    expect((await robin.until(id, ['ended'])).endReason).toBe('recording-failed');
  }, 60_000);

  test('ends a strict session by the first short command, whose exit is not told', async () => {
    const { robin, id } = await lab.active(here);
    await withoutStore(async () => {
      const command = await connect('requester', id, {
        kind: 'terminal',
        broker: here,
        query: '?tty=false&command=echo&command=quick',
      });
      expect(await command.said('end', 25_000)).toMatchObject({
        kind: 'session-over',
        reason: 'recording-failed',
      });
    });
    expect((await robin.until(id, ['ended'])).endReason).toBe('recording-failed');
  }, 60_000);

  test('leaves one at best effort going on, with a gap in its recording that is audited once', async () => {
    const { robin, id } = await lab.active(here, 'lenient');
    const inside = await lab.enter(here, id);
    await inside.answers();
    const before = await failures();
    await withoutStore(async () => {
      await inside.type('echo kept-$((1 + 1))');
      await inside.sees('kept-2');
      await vi.waitUntil(async () => (await failures()) > before, { timeout: 20_000 });
      await inside.hears('gap');
      await inside.type('echo never-$((2 + 1))');
      await inside.sees('never-3');
    });
    await expect
      .poll(async () => (await recordingsOf(robin, id))[0]?.gaps, { timeout: 10_000 })
      .toBe(1);
    await inside.type('echo after-$((3 + 1)); exit');
    await expect.poll(() => inside.end, { timeout: 15_000 }).toMatchObject({ kind: 'exited' });
    const [recording] = await recordingsOf(robin, id);
    const cast = await robin.call('GET', `/v1/recordings/${recording?.id}/cast`);
    const text = String(cast.body);
    expect(text).toContain('kept-2');
    expect(text).not.toContain('never-3');
    expect(text).toContain('A gap: ');
    expect(text).toContain('after-4');
    const audit = await (await lab.lab.as('auditor', here)).audit(id);
    expect(audit.filter(({ action }) => action === 'recording.gap')).toHaveLength(1);
    await endSession(robin, id);
  }, 60_000);
});
