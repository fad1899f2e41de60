import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { newRecordingId } from '../../src/domain/recording/recording.js';
import type { Api, Who } from '../support/http.api.js';
import { PEOPLE, startApi } from '../support/http.api.js';
import { TerminalClient, refusalOf, ticketFor } from '../support/terminal.client.js';

let api: Api;
/** A session of Robin's that Alex and Sam may decide about. */
let id: string;
beforeEach(async () => {
  api = await startApi();
  id = (await api.ask({ namespace: 'payments' })).body.id;
  const decided = await api.call('decideSession', {
    who: 'alex',
    method: 'POST',
    path: `/v1/sessions/${id}/decisions`,
    headers: { 'if-match': '"1"' },
    body: { verdict: 'approve' },
  });
  expect(decided.status).toBe(200);
  await api.step(id, 'start');
});
afterEach(() => api.close());

const watch = (who: Who) => TerminalClient.open(api, { id, who, kind: 'watch' });
const until = (holds: () => void | Promise<void>) =>
  vi.waitFor(holds, { timeout: 8_000, interval: 5 });
const read = async (who: Who) =>
  (await api.call('readSession', { who, path: `/v1/sessions/${id}` })).body;
const audited = (action: string) => api.store.log.entries.filter((it) => it.action === action);

describe('a ticket to watch', () => {
  test.each(['alex', 'sam', 'auditor'] as const)('is given to %s', async (who) => {
    const { status, body } = await ticketFor(api, { id, who, kind: 'watch' });
    expect([status, body.protocol]).toEqual([201, 'hallpass.watch.v1']);
    expect(body.url).toMatch(/\/watch$/);
  });

  test.each([
    ['robin', 403],
    ['admin', 403],
    ['stranger', 404],
  ] as const)('is not given to %s', async (who, status) => {
    expect((await ticketFor(api, { id, who, kind: 'watch' })).status).toBe(status);
  });

  test('opens the live view once', async () => {
    // The operation 'watchSession', by a client of its own.
    const { body } = await ticketFor(api, { id, who: 'alex', kind: 'watch' });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket, kind: 'watch' });
    await client.said('open');
    const again = { id, ticket: body.ticket, kind: 'watch' } as const;
    expect(await refusalOf(api.port, again)).toMatchObject({ status: 401 });
    client.leave();
  });

  test('is of no use once its person has lost the right', async () => {
    const { body } = await ticketFor(api, { id, who: 'alex', kind: 'watch' });
    // The roles are those of the moment of connecting.
    const row = api.streams.tickets.rows.at(-1);
    if (row) Object.assign(row.bearer, { person: { ...row.bearer.person, groups: [] } });
    const client = TerminalClient.connect(api.port, { id, ticket: body.ticket, kind: 'watch' });
    expect(await client.closed()).toBe(4404);
  });
});

describe('who watches', () => {
  test('is shown the lines of recordings as they come', async () => {
    const client = await watch('alex');
    const recording = newRecordingId();
    const lines = ['{"version":3}', '[0.1,"o","$ \\u001b[1mls"]'];
    for (const line of lines)
      api.streams.live.show(client.texts[0]?.['session'] as never, { recording, line });
    await until(() => expect(client.texts).toHaveLength(3));
    expect(client.texts).toEqual([
      { type: 'open', session: id },
      ...lines.map((line) => ({ type: 'line', recording, line })),
    ]);
    client.leave();
  });

  test('is seen in the session, by its requester too, until they leave', async () => {
    const client = await watch('alex');
    const { watching } = await read('robin');
    expect(watching).toEqual([
      { person: { sub: 'alex', email: 'alex@example.com' }, since: expect.any(String) },
    ]);
    client.leave();
    await until(async () => expect((await read('robin')).watching).toEqual([]));
  });

  test('is told to whoever has the newest version of the session already', async () => {
    const client = await watch('alex');
    const { status, body } = await api.call('readSession', {
      who: 'robin',
      path: `/v1/sessions/${id}`,
      headers: { 'if-none-match': `"${(await read('robin')).version}"` },
    });
    expect([status, body.watching.length]).toEqual([200, 1]);
    client.leave();
  });

  test('is in the audit log, with the beginning and the end', async () => {
    const client = await watch('alex');
    expect(audited('session.watched')).toHaveLength(1);
    expect(JSON.parse(String(audited('session.watched')[0]?.body))).toMatchObject({
      session: id,
      actor: { sub: 'alex', address: '127.0.0.1' },
    });
    client.socket.close(1000);
    await until(() => expect(audited('session.unwatched')).toHaveLength(1));
  });

  test('types nothing, whatever they send', async () => {
    const client = await watch('alex');
    client.type('rm -rf /');
    client.say({ type: 'resize', columns: 1, rows: 1 });
    api.streams.live.show(client.texts[0]?.['session'] as never, {
      recording: newRecordingId(),
      line: '[]',
    });
    await client.said('line');
    expect(api.streams.entry.streams).toEqual([]);
    client.leave();
  });

  test('is told when the session is over', async () => {
    const client = await watch('alex');
    await api.step(id, 'reject', {
      endReason: 'start-failed',
      endDetail: 'The image is not there.',
    });
    expect(await client.closed()).toBe(1000);
    expect(client.texts.at(-1)).toEqual({
      type: 'end',
      kind: 'session-over',
      reason: 'start-failed',
      detail: 'The image is not there.',
    });
    await until(() => expect(audited('session.unwatched')).toHaveLength(1));
  });

  test('is told when this replica stops, and it is written that they left', async () => {
    const client = await watch('alex');
    await api.app.close();
    expect(await client.closed()).toBe(1001);
    await until(() => expect(audited('session.unwatched')).toHaveLength(1));
    api = await startApi();
  });

  test('watches no longer than they may', async () => {
    const client = await watch('alex');
    await api.store.people.seen({ ...PEOPLE.alex, groups: [] }, new Date(Date.now() + 1000));
    // Any news of the session makes it be looked at.
    api.store.news.tell(client.texts[0]?.['session'] as never, 99);
    expect(await client.closed()).toBe(4403);
    await until(() => expect(audited('session.unwatched')).toHaveLength(1));
  });
});

describe('links of a session', () => {
  test('lead each to where they may go', async () => {
    const links = async (who: Who) => {
      const { terminal, watch: watching } = (await read(who)).links;
      return [terminal, watching];
    };
    const path = `/v1/sessions/${id}`;
    expect(await links('robin')).toEqual([`${path}/terminal`, null]);
    expect(await links('alex')).toEqual([null, `${path}/watch`]);
    expect(await links('auditor')).toEqual([null, `${path}/watch`]);
    expect(await links('admin')).toEqual([null, null]);
    await api.step(id, 'reject');
    expect(await links('robin')).toEqual([null, null]);
  });
});
