import '../support/needs.containers.js';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { LabMessage } from '../support/slack.lab.js';
import type { SlackBroker } from '../support/slack.story.lab.js';
import { SlackStoryLab, SOON } from '../support/slack.story.lab.js';

// A test waits for several messages, one after the other.
vi.setConfig({ testTimeout: 120_000 });

/** How long after it is back Slack may wait: it was tried ever more rarely. */
const LATER = { timeout: 90_000, interval: 50 };

let lab: SlackStoryLab;
let broker: SlackBroker;
beforeAll(async () => {
  lab = await SlackStoryLab.start();
  broker = await lab.broker();
  await lab.tie(broker, 'robin', 'requester');
  await lab.tie(broker, 'alex', 'approver');
});
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => {
  lab.slack.isDown = false;
  lab.slack.isDeaf = false;
});

/** A session that waits for consent, asked for by the API. */
async function asked(): Promise<string> {
  const robin = await lab.as('requester', broker);
  const { id } = await robin.ask({
    namespace: 'payments',
    target: { pod: await lab.pod() },
    profile: 'shell',
    reason: 'Slack does not answer',
    durationSeconds: 120,
  });
  return id;
}

async function approved(id: string): Promise<void> {
  const alex = await lab.as('approver', broker);
  await alex.decide(await alex.session(id), 'approve', 'go ahead');
}

const under = (place: 'approvals' | 'robin', message: LabMessage) => async () =>
  lab.under(place, message);

test.each([
  ['is down', 'isDown'],
  ['takes what it is asked and answers nothing', 'isDeaf'],
] as const)(
  'a whole session goes by while Slack %s, and is told when it is back: each thing once, as it stands then',
  async (_, fault) => {
    lab.slack[fault] = true;
    const id = await asked();
    await approved(id);
    const robin = await lab.as('requester', broker);
    await robin.until(id, ['active']);
    await robin.act(id, 'end');
    await robin.until(id, ['ended']);
    expect(await lab.about(id, 'approvals')).toEqual([]);

    lab.slack[fault] = false;
    await expect.poll(async () => lab.about(id, 'robin'), LATER).toHaveLength(1);
    const request = await lab.says(id, 'approvals', 'Ended by its requester', LATER);
    await expect.poll(under('approvals', request), LATER).toEqual(['alex@example.com approved']);
    const card = await lab.says(id, 'robin', `hallpass recording list ${id}`, LATER);
    await expect.poll(under('robin', card), LATER).toEqual(['Your session has ended.']);
  },
  300_000,
);

test('what happens while Slack comes and goes is told in its order, and nothing twice', async () => {
  lab.slack.fail('chat.postMessage', 'lost', 'dropped', { busySeconds: 1 });
  lab.slack.fail('chat.update', 'lost', { status: 503 });
  lab.slack.fail('conversations.history', 'dropped');
  const id = await asked();
  const request = await lab.says(id, 'approvals', 'Waiting', LATER);
  await approved(id);
  const robin = await lab.as('requester', broker);
  await robin.until(id, ['active']);
  await lab.says(id, 'approvals', '*Running*', LATER);
  await robin.act(id, 'end');
  await robin.until(id, ['ended']);
  const over = await lab.says(id, 'approvals', 'Ended by its requester', LATER);
  expect(over.ts).toBe(request.ts);
  await expect.poll(under('approvals', over), LATER).toEqual(['alex@example.com approved']);
  const card = await lab.says(id, 'robin', `hallpass recording list ${id}`, LATER);
  const steps = ['waits for consent.', 'is approved.', 'runs.', 'has ended.'];
  await expect
    .poll(under('robin', card), LATER)
    .toSatisfy((told: readonly string[]) => told.at(-1) === 'Your session has ended.');
  const told = await lab.under('robin', card);
  expect(told).toEqual(steps.map((it) => `Your session ${it}`).filter((it) => told.includes(it)));
}, 300_000);

test('an archived channel, and a requester who is gone, hold up neither the session nor its other messages', async () => {
  await lab.slack.ask('conversations.archive', { channel: lab.places.approvals });
  lab.slack.fail('conversations.open', { word: 'user_not_found' });
  try {
    const id = await asked();
    await approved(id);
    await lab.until(broker, id, 'active');
    await (await lab.as('requester', broker)).act(id, 'end');
    await lab.until(broker, id, 'ended');
    expect(await lab.about(id, 'approvals')).toEqual([]);
  } finally {
    await lab.slack.ask('conversations.unarchive', { channel: lab.places.approvals });
  }
  const next = await asked();
  await lab.says(next, 'approvals', 'Waiting');
  await lab.says(next, 'robin', 'Waiting');
});

test('a message that somebody deleted comes back once, as it stands', async () => {
  const id = await asked();
  const first = await lab.says(id, 'approvals', 'Waiting');
  await lab.slack.ask('chat.delete', { channel: lab.places.approvals, ts: first.ts });
  await approved(id);
  const second = await lab.says(id, 'approvals', '*Running*');
  expect(second.ts).not.toBe(first.ts);
});

test('a token that was revoked is waited for, and metrics say for how long', async () => {
  const word = { word: 'token_revoked' };
  lab.slack.fail('chat.postMessage', word, word, word);
  const id = await asked();
  const metrics = async () => (await fetch(`${broker.managementUrl}/metrics`)).text();
  await expect.poll(metrics, SOON).toMatch(/hallpass_slack_due_seconds (?!0\b)/);
  await lab.says(id, 'approvals', 'Waiting', LATER);
  await expect.poll(metrics, SOON).toMatch(/hallpass_slack_due_seconds 0\b/);
}, 180_000);
