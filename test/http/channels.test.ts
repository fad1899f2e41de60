import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ChannelAway } from '../../src/app/ports/channel.js';
import { BoxChannel, channelDesk } from '../support/box.channel.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { MemoryAuditLog } from '../support/in-memory.ports.js';

let api: Api;
let home: HallpassHome;
let box: BoxChannel;
let log: MemoryAuditLog;
beforeAll(async () => {
  box = new BoxChannel();
  log = new MemoryAuditLog();
  const desk = channelDesk([box], { log, clock: { now: () => new Date() } });
  api = await startApi({ deps: desk });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'admin' });
});
beforeEach(() => {
  box.answer = () => 'taken';
  box.taken.length = 0;
});
afterAll(async () => {
  await api.close();
  await home[Symbol.asyncDispose]();
});

const testing = (who: string, name = 'box') =>
  api.call('testChannel', { who, method: 'POST', path: `/v1/channels/${name}/test`, body: {} });

test('admins and auditors see how the channels are', async () => {
  for (const who of ['admin', 'auditor']) {
    const { status, body } = await api.call('listChannels', { who, path: '/v1/channels' });
    expect(status).toBe(200);
    expect(body).toEqual({
      items: [
        {
          name: 'box',
          kind: 'box',
          state: 'up',
          waiting: 0,
          oldestSeconds: 0,
          dead: 0,
          failingSince: null,
          lastError: null,
          deliveredAt: null,
        },
      ],
    });
  }
});

test('an admin tests a channel, which is told that it is a test, and it is an event', async () => {
  const { status, body } = await testing('admin');
  expect({ status, body }).toEqual({ status: 200, body: { outcome: 'taken', detail: null } });
  expect(box.taken).toMatchObject([{ kind: 'test', body: { kind: 'test', urgency: 'quiet' } }]);
  expect(log.entries.at(-1)).toMatchObject({ action: 'channel.tested' });
});

test('what became of the test is said, whatever it was', async () => {
  box.answer = () => ({ refused: 'it answered 400' });
  expect((await testing('admin')).body).toEqual({ outcome: 'refused', detail: 'it answered 400' });
  box.answer = () => ({ gone: 'it answered 410' });
  expect((await testing('admin')).body).toEqual({ outcome: 'gone', detail: 'it answered 410' });
  box.answer = () => Promise.reject(new ChannelAway('it does not answer'));
  expect((await testing('admin')).body).toEqual({ outcome: 'away', detail: 'it does not answer' });
});

test('an auditor does not test, and nobody tests a channel that is not there', async () => {
  expect((await testing('auditor')).status).toBe(403);
  expect((await testing('admin', 'nowhere')).body.type).toBe('urn:hallpass:problem:not-found');
  expect(box.taken).toEqual([]);
});

test('hallpass channels shows and tests them', async () => {
  const list = await home.run(['channels', 'list']);
  expect(list.stdout.toString()).toMatch(
    /^NAME +KIND +STATE +WAITING +DEAD +LAST ERROR\nbox +box +up/,
  );
  const taken = await home.run(['channels', 'test', 'box']);
  expect({ code: taken.code, out: taken.stdout.toString() }).toEqual({
    code: 0,
    out: 'It was taken.\n',
  });
  box.answer = () => Promise.reject(new ChannelAway('it does not answer'));
  const away = await home.run(['channels', 'test', 'box']);
  expect(away.stdout.toString()).toBe('It could not be told: it does not answer.\n');
  expect(away.code).not.toBe(0);
});
