import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { commandBody, interactionBody } from '../../sandbox/slack/signed.posts.js';
import type { OtherThanSlack } from '../../sandbox/slack/signed.posts.js';
import { BUTTONS } from '../../src/adapters/slack/button.value.js';
import type { LabMessage } from '../support/slack.lab.js';
import type { SlackBroker } from '../support/slack.story.lab.js';
import { SlackStoryLab, SOON, valueOf } from '../support/slack.story.lab.js';

const MINUTE_MS = 60_000;

// A test waits for several messages, one after the other.
vi.setConfig({ testTimeout: 120_000 });

let lab: SlackStoryLab;
let broker: SlackBroker;
beforeAll(async () => {
  lab = await SlackStoryLab.start();
  broker = await lab.broker();
  await lab.tie(broker, 'robin', 'requester');
  await lab.tie(broker, 'alex', 'approver');
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => lab.slack.users.clear());

/** A request that waits, and its message. */
async function waiting(): Promise<{ readonly id: string; readonly message: LabMessage }> {
  const robin = await lab.as('requester', broker);
  const { id } = await robin.ask({
    namespace: 'payments',
    target: { pod: await lab.pod() },
    profile: 'shell',
    reason: 'who is it',
    durationSeconds: 120,
    start: 'manual',
  });
  return { id, message: await lab.says(id, 'approvals', 'Waiting') };
}

/** Alex's press on Approve, as Slack posts it. */
function pressed(message: LabMessage): string {
  const value = valueOf('approve', message);
  return interactionBody(lab.places.alex, lab.slack.trigger(lab.places.alex), {
    type: 'block_actions',
    channel: { id: lab.places.approvals },
    actions: [{ type: 'button', action_id: BUTTONS.approve, block_id: 'b', value }],
  });
}

async function stateOf(id: string): Promise<string> {
  return (await (await lab.as('approver', broker)).session(id)).state;
}

async function consents(id: string): Promise<number> {
  const { decisions } = await (await lab.as('approver', broker)).session(id);
  return decisions.filter(({ by }) => by === 'person').length;
}

test.each<[string, () => OtherThanSlack]>([
  ['signed with another secret', () => ({ secret: 'another-secret-altogether' })],
  ['signed with an empty secret', () => ({ secret: '' })],
  ['six minutes old', () => ({ at: new Date(Date.now() - 6 * MINUTE_MS) })],
  ['from six minutes ahead', () => ({ at: new Date(Date.now() + 6 * MINUTE_MS) })],
  ['whose body is not what was signed', () => ({ signed: 'payload=%7B%7D' })],
])('a consent %s is none', async (_, other) => {
  const { id, message } = await waiting();
  expect(await broker.slack.post(pressed(message), other())).toEqual({ status: 401, body: '' });
  expect(await stateOf(id)).toBe('pending');
});

test('a consent that is posted again is refused by the same replica, and has no second effect at another', async () => {
  const other = await lab.broker();
  try {
    const { id, message } = await waiting();
    const [body, at] = [pressed(message), new Date()];
    expect((await broker.slack.post(body, { at })).status).toBe(200);
    await expect.poll(() => stateOf(id), SOON).toBe('approved');
    expect((await broker.slack.post(body, { at })).status).toBe(401);
    const told = lab.told().length;
    expect((await other.slack.post(body, { at })).status).toBe(200);
    await expect.poll(() => lab.told().length, SOON).toBe(told + 1);
    expect([await stateOf(id), await consents(id)]).toEqual(['approved', 1]);
  } finally {
    await other.stop();
  }
});

test('a double click, and what Slack sends again because we were slow, is one consent', async () => {
  const { id, message } = await waiting();
  const body = pressed(message);
  const told = lab.told().length;
  await Promise.all([
    broker.slack.post(body),
    broker.slack.post(pressed(message)),
    broker.slack.post(`${body}&again=1`, { retry: 1 }),
    broker.slack.post(`${body}&again=2`, { retry: 2 }),
  ]);
  await expect.poll(() => stateOf(id), SOON).toBe('approved');
  // The one of the two clicks that came to nothing.
  await expect.poll(() => lab.told().length, SOON).toBe(told + 1);
  expect(await consents(id)).toBe(1);
});

test.each([
  ['was deactivated', { deleted: true }, 'deactivated'],
  ['is a guest', { is_restricted: true }, 'Guests'],
  ['is a guest of one channel', { is_ultra_restricted: true }, 'Guests'],
  ['is a bot', { is_bot: true }, 'Bots'],
  ['is of another organisation', { is_stranger: true }, ''],
  ['is of another workspace', { team_id: 'T0OTHER' }, 'workspace'],
])('whoever %s consents to nothing, tied or not', async (_, said, words) => {
  const { id, message } = await waiting();
  lab.slack.users.set(lab.places.alex, said);
  const told = lab.told().length;
  await lab.press(broker, 'alex', 'approve', message);
  await expect.poll(() => lab.told().length, SOON).toBe(told + 1);
  expect(lab.told().at(-1)).toContain(words);
  expect(await stateOf(id)).toBe('pending');
});

test('whoever is tied to nobody, or is no user any more, consents to nothing', async () => {
  const { id, message } = await waiting();
  const told = lab.told().length;
  await lab.press(broker, 'sam', 'approve', message);
  await expect.poll(() => lab.told().length, SOON).toBe(told + 1);
  expect(lab.told().at(-1)).toContain('Tie this account to you');
  lab.slack.fail('users.info', { word: 'user_not_found' });
  await lab.press(broker, 'alex', 'approve', message);
  await expect.poll(() => lab.told().length, SOON).toBe(told + 2);
  expect(await stateOf(id)).toBe('pending');
});

test('a reason of 3,000 characters is refused at its field, and the longest there may be is told as it is', async () => {
  const pod = await lab.pod();
  const { viewId } = await lab.command(broker, 'robin', '');
  const fields = {
    namespace: 'payments',
    target: `Pod/${pod}`,
    profile: 'shell',
    duration: '2m',
  };
  const long = '<!channel> '.repeat(300).slice(0, 3_000);
  const refused = await lab.submit(broker, 'robin', {
    viewId,
    fields: { ...fields, reason: long },
  });
  expect(refused.body).toMatchObject({ response_action: 'errors', errors: { reason: /2000/ } });
  const reason = '<https://evil.example|https://hallpass.example> <!channel> '
    .repeat(40)
    .slice(0, 2_000)
    .trim();
  const id = await lab.ask(broker, 'robin', pod, { reason });
  const message = await lab.says(id, 'approvals', 'Waiting');
  expect(message.text).not.toMatch(/<!|<http/);
  const parsed = message.blocks.filter(({ type }) => type !== 'rich_text');
  expect(JSON.stringify(parsed)).not.toMatch(/<!(?!date)|<http|evil/);
  expect(JSON.stringify(message.blocks)).toContain(reason.slice(0, 200));
});

test('a trigger that has expired opens nothing, who pressed a button is told to press again, and the next one opens', async () => {
  const { message } = await waiting();
  lab.slack.fail('views.open', { word: 'expired_trigger_id' }, { word: 'expired_trigger_id' });
  const opened = lab.slack.count('views.open');
  const trigger = lab.slack.trigger(lab.places.robin);
  const answer = await broker.slack.post(commandBody(lab.places.robin, { text: '', trigger }));
  expect(answer.status).toBe(200);
  await expect.poll(() => lab.slack.count('views.open'), SOON).toBe(opened + 1);
  const told = lab.told().length;
  await lab.press(broker, 'alex', 'deny', message);
  await expect.poll(() => lab.told().length, SOON).toBe(told + 1);
  expect(lab.told().at(-1)).toContain('Press again');
  expect((await lab.command(broker, 'robin', '')).text).toContain('Ask for a session');
});
