import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SessionStreams } from '../../src/adapters/http/session.streams.js';
import { STREAMS } from '../../src/adapters/http/http.settings.js';
import { SessionStepView } from '../../src/contract/session.schema.js';
import { EventStreamReader } from '../support/event-stream.reader.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';

let api: Api;
let open: EventStreamReader[] = [];
beforeEach(async () => {
  api = await startApi({
    settings: {
      streams: { ...STREAMS, heartbeatSeconds: 0.05, lookSeconds: 0.05, perPersonMax: 3 },
    },
  });
});
afterEach(async () => {
  for (const reader of open) reader.leave();
  open = [];
  await api.close();
});

async function follow(id: string, who = 'robin', headers: Record<string, string> = {}) {
  const reader = await EventStreamReader.open(`${api.url}/v1/sessions/${id}/events`, {
    authorization: `Bearer ${who}`,
    ...headers,
  });
  open.push(reader);
  return reader;
}

const streams = () => api.app.get(SessionStreams);
const act = (id: string, verb: string) =>
  api.call(`${verb}Session`, { who: 'robin', method: 'POST', path: `/v1/sessions/${id}/${verb}` });

test('a stream tells all that happened, then what happens, and ends by itself after the last step', async () => {
  const { body: session } = await api.ask();
  await act(session.id, 'start');
  const reader = await follow(session.id);
  expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(reader.response.headers.get('cache-control')).toBe('no-store');
  expect(await reader.next()).toMatchObject({
    type: 'step',
    id: '1',
    data: { event: 'grant', to: 'approved' },
  });
  const second = await reader.next();
  expect(second).toMatchObject({
    id: '2',
    data: { event: 'start', from: 'approved', to: 'starting' },
  });
  expect(SessionStepView.parse(second?.data).by).toMatchObject({
    kind: 'person',
    person: { sub: 'robin' },
  });
  expect(reader.retry).toBe('2000');
  await act(session.id, 'end');
  expect(await reader.next()).toMatchObject({ id: '3', data: { event: 'withdraw', to: 'ending' } });
  await api.step(session.id, 'finish');
  expect(await reader.rest()).toMatchObject([
    { type: 'step', id: '4', data: { to: 'ended', by: { kind: 'system' } } },
    { type: 'close', data: { reason: 'final' } },
  ]);
  await expect.poll(() => streams().count).toBe(0);
});

test('a client that comes back gets what it missed and nothing twice', async () => {
  const { body: session } = await api.ask();
  const first = await follow(session.id);
  expect((await first.next())?.id).toBe('1');
  first.leave();
  await act(session.id, 'start');
  await act(session.id, 'end');
  const second = await follow(session.id, 'robin', { 'last-event-id': '1' });
  expect((await second.next())?.id).toBe('2');
  expect((await second.next())?.id).toBe('3');
});

test('a client that has seen the end is told not to come back', async () => {
  const { body: session } = await api.ask();
  await act(session.id, 'end');
  const reader = await follow(session.id, 'robin', { 'last-event-id': '2' });
  expect(reader.response.status).toBe(204);
});

test('what happens is told even where the news of it is lost', async () => {
  const { body: session } = await api.ask();
  const reader = await follow(session.id);
  await reader.next();
  api.store.news.lost = true;
  await act(session.id, 'start');
  expect((await reader.next())?.id).toBe('2');
});

test('a silent stream beats, so that nobody takes it for dead', async () => {
  const { body: session } = await api.ask();
  const reader = await follow(session.id);
  await reader.next();
  expect(await reader.comment()).toBe('alive');
});

test('a client that leaves leaves nothing behind', async () => {
  const { body: session } = await api.ask();
  const before = api.store.news.listening;
  const reader = await follow(session.id);
  await reader.next();
  expect([streams().count, api.store.news.listening]).toEqual([1, before + 1]);
  reader.leave();
  await expect.poll(() => [streams().count, api.store.news.listening]).toEqual([0, before]);
});

test('a person has so many streams and no more; another person has their own', async () => {
  const { body: session } = await api.ask();
  for (let count = 0; count < 3; count++) await (await follow(session.id)).next();
  const refused = await follow(session.id);
  expect(refused.response.status).toBe(429);
  expect(refused.response.headers.get('retry-after')).toBe('30');
  expect(refused.response.headers.get('content-type')).toContain('application/problem+json');
  expect((await follow(session.id, 'auditor')).response.status).toBe(200);
  open[0]?.leave();
  await expect.poll(() => streams().count).toBe(3);
  expect((await follow(session.id)).response.status).toBe(200);
});

test('a stream ends when the token that opened it expires', async () => {
  const { body: session } = await api.ask();
  api.strategy.expiresAt = new Date(Date.now() + 200);
  const reader = await follow(session.id);
  expect((await reader.rest()).at(-1)).toEqual({
    type: 'close',
    data: { reason: 'token-expired' },
  });
});

test('closing the API ends streams and says so', async () => {
  const { body: session } = await api.ask();
  const reader = await follow(session.id);
  await reader.next();
  const closed = api.close();
  expect(await reader.rest()).toEqual([{ type: 'close', data: { reason: 'shutdown' } }]);
  await closed;
});

test('a stream is cut where the store fails, and can be taken up again', async () => {
  const { body: session } = await api.ask();
  const reader = await follow(session.id);
  await reader.next();
  api.store.broken = new Error('database away');
  expect(await reader.rest()).toEqual([]);
  api.store.broken = undefined;
  expect((await follow(session.id, 'robin', { 'last-event-id': '1' })).response.status).toBe(200);
});

test('strangers get no stream, and HEAD none either', async () => {
  const { body: session } = await api.ask();
  expect((await follow(session.id, 'stranger')).response.status).toBe(404);
  const head = await api.call('streamSessionEvents', {
    who: 'robin',
    method: 'HEAD',
    path: `/v1/sessions/${session.id}/events`,
  });
  expect([head.status, head.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ]);
  expect(streams().count).toBe(0);
});

test.each(['-1', 'x', '1e3', '99999999999'])('the Last-Event-ID %s is refused', async (id) => {
  const { body: session } = await api.ask();
  expect((await follow(session.id, 'robin', { 'last-event-id': id })).response.status).toBe(400);
});

test('a client that reads nothing is cut after a while, and costs no memory meanwhile', async () => {
  await api.close();
  api = await startApi({
    settings: { streams: { ...STREAMS, stalledSeconds: 0.2, lookSeconds: 0.05 } },
  });
  const { body: session } = await api.ask({ namespace: 'staging', reason: 'r'.repeat(2000) });
  await act(session.id, 'start');
  await api.step(session.id, 'run', {
    startedAt: new Date(),
    deadlineAt: new Date(Date.now() + 60_000),
  });
  const deaf = request(`${api.url}/v1/sessions/${session.id}/events`, {
    headers: { authorization: 'Bearer robin' },
  });
  deaf.on('error', () => undefined);
  deaf.end();
  await new Promise<void>((resolve) =>
    deaf.on('response', (response) => resolve(void response.pause())),
  );
  await expect.poll(() => streams().count).toBe(1);
  // More than the socket's buffers hold: the stream waits for its reader, then gives it up.
  const filler = { comment: 'x'.repeat(60_000) };
  for (let count = 0; count < 200; count++) await noteWith(session.id, filler);
  await expect.poll(() => streams().count).toBe(0);
  deaf.destroy();
});

async function noteWith(id: string, data: Record<string, unknown>): Promise<void> {
  const { stepOf } = await import('../../src/app/session-step.js');
  const { SYSTEM } = await import('../support/sessions.js');
  const session = await api.store.find(id as never);
  if (!session) throw new Error('gone');
  const step = stepOf({
    session,
    event: 'note',
    capacities: ['system'],
    actor: SYSTEM,
    at: new Date(),
  });
  await api.store.write({ ...step, data });
}
