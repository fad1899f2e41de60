import { afterAll, beforeAll, expect, test, onTestFinished } from 'vitest';
import type { WebSlackApi } from '../../src/adapters/slack/slack.api.js';
import { isSlackRefusal } from '../../src/app/ports/slack.api.js';
import { SlackLab } from '../support/slack.lab.js';

let lab: SlackLab;
let api: WebSlackApi;
let channel: string;

beforeAll(async () => {
  lab = await SlackLab.open();
  api = lab.api();
  channel = await lab.channel('approvals');
});
afterAll(() => lab.close());

const SAYS = { text: 'Hello', blocks: [{ type: 'divider' }] };

function made<T>(answer: T): Exclude<T, { refused: unknown }> {
  if (isSlackRefusal(answer)) throw new Error(JSON.stringify(answer));
  return answer as Exclude<T, { refused: unknown }>;
}

test('a message that was posted is found again by what it was posted as', async () => {
  const place = made(await api.post({ channel, ...SAYS, post: 'p-1' }));
  const found = made(await api.history({ channel, oldest: place.ts, limit: 10 }));
  expect(found).toContainEqual({ ts: place.ts, post: 'p-1' });
});

test('an update changes what the message says and keeps what it was posted as', async () => {
  const place = made(await api.post({ channel, ...SAYS, post: 'p-2' }));
  made(await api.update({ ...place, text: 'Changed', blocks: SAYS.blocks, post: 'p-2' }));
  const messages = await lab.messages(channel);
  expect(messages.find(({ ts }) => ts === place.ts)?.text).toBe('Changed');
  expect(made(await api.history({ channel, oldest: place.ts, limit: 10 }))).toContainEqual({
    ts: place.ts,
    post: 'p-2',
  });
});

test('what is said under a message is found under it', async () => {
  const place = made(await api.post({ channel, ...SAYS }));
  const under = made(await api.post({ channel, thread: place.ts, ...SAYS, post: 'r-1' }));
  const found = made(await api.history({ channel, thread: place.ts, oldest: place.ts, limit: 10 }));
  expect(found).toContainEqual({ ts: under.ts, post: 'r-1' });
});

test('a user is told of with what the workspace knows of them', async () => {
  const id = await lab.user('robin');
  const user = made(await api.userInfo(id));
  expect(user).toMatchObject({
    userId: id,
    email: 'robin@example.com',
    isBot: false,
    isDeleted: false,
  });
  expect(await api.userInfo('U-NOBODY')).toEqual({ refused: 'no', word: 'user_not_found' });
});

test('the conversation with a user is the same one each time', async () => {
  const user = await lab.user('alex');
  expect(await api.openDm(user)).toEqual(await api.openDm(user));
});

test('a call is made once, however it fails, and the token is in no answer', async () => {
  lab.fail(
    'chat.postMessage',
    { busySeconds: 7 },
    { busySeconds: null },
    { word: 'token_revoked' },
    { word: 'fatal_error' },
    { status: 503 },
    'dropped',
  );
  const before = lab.count('chat.postMessage');
  const answers = [];
  for (let call = 0; call < 6; call += 1) {
    answers.push(await lab.api().post({ channel, ...SAYS }));
  }
  expect(lab.count('chat.postMessage') - before).toBe(6);
  expect(answers).toMatchObject([
    { refused: 'busy', afterMs: 7_000 },
    { refused: 'busy', afterMs: 30_000 },
    { refused: 'no', word: 'token_revoked' },
    { refused: 'unknown' },
    { refused: 'unknown' },
    { refused: 'unknown' },
  ]);
  expect(JSON.stringify(answers)).not.toContain('xoxb');
});

test('a call that is not answered in time is given up', async () => {
  lab.isDeaf = true;
  onTestFinished(() => void (lab.isDeaf = false));
  expect(await lab.api(50).post({ channel, ...SAYS })).toMatchObject({ refused: 'unknown' });
});
