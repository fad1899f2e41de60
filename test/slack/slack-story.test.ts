import '../support/needs.containers.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WORD_FORMS } from '../../src/adapters/slack/word.modals.js';
import { PageBrowser } from '../support/page.browser.js';
import type { LabMessage } from '../support/slack.lab.js';
import type { SlackBroker } from '../support/slack.story.lab.js';
import { SlackStoryLab, SOON, valueOf } from '../support/slack.story.lab.js';

// A test waits for several messages, one after the other.
vi.setConfig({ testTimeout: 120_000 });

let lab: SlackStoryLab;
let broker: SlackBroker;
beforeAll(async () => {
  lab = await SlackStoryLab.start();
  broker = await lab.broker();
  await lab.tie(broker, 'alex', 'approver');
  // A second account of the approver's.
  await lab.tie(broker, 'sam', 'approver');
});
afterAll(() => lab[Symbol.asyncDispose]());

const said = (message: LabMessage) => async () => lab.under('approvals', message);

test('an account is tied by its one-time link, in a browser, where its person signs in', async () => {
  const link = await lab.linkFor(broker, 'robin');
  const browser = new PageBrowser();
  const choice = await browser.get(link);
  const page = await browser.post(choice.url, { sub: 'robin' });
  const tied = await browser.submit(page, '/link/slack');
  expect(tied.status).toBe(200);
  const again = await new PageBrowser().get(link);
  expect(again.url).not.toBe(link);
  expect((await lab.command(broker, 'robin', '')).text).toContain('Ask for a session');
});

test('the whole story: asked by the form, consented by a button, extended and ended, and told all along', async () => {
  const pod = await lab.pod();
  const { viewId, text } = await lab.command(broker, 'robin', `payments/${pod} 2m pool exhausted`);
  for (const part of ['"payments"', pod, 'pool exhausted']) expect(text).toContain(part);
  const id = await lab.ask(broker, 'robin', pod, { reason: 'pool exhausted' });
  expect(viewId).not.toBe('');

  const asked = await lab.says(id, 'approvals', 'Waiting');
  expect(JSON.stringify(asked)).toContain('pool exhausted');
  const card = await lab.says(id, 'robin', 'Waiting');

  await lab.press(broker, 'alex', 'approve', asked);
  await lab.until(broker, id, 'active');
  const running = await lab.says(id, 'approvals', '*Running*');
  expect([running.ts, JSON.stringify(running)]).toEqual([
    asked.ts,
    expect.not.stringContaining('hallpass_approve'),
  ]);
  await expect.poll(said(asked), SOON).toEqual(['alex@example.com approved']);
  const enter = await lab.says(id, 'robin', `hallpass connect ${id}`);
  expect(enter.ts).toBe(card.ts);

  const metadata = valueOf('extend', await lab.says(id, 'robin', 'hallpass_extend'));
  const longer = await lab.submit(broker, 'robin', {
    viewId: `${viewId}x`,
    callback: WORD_FORMS.extend,
    metadata,
    fields: { duration: '5m', comment: 'the rollback takes longer' },
  });
  expect(JSON.stringify(longer.body)).toContain('It is being extended');
  const extended = await lab.says(id, 'approvals', 'extended 1×');
  expect(extended.ts).toBe(asked.ts);

  await lab.press(broker, 'robin', 'end', await lab.says(id, 'robin', 'hallpass_end'));
  await lab.until(broker, id, 'ended');
  const over = await lab.says(id, 'approvals', 'Ended by its requester');
  expect(over.ts).toBe(asked.ts);
  expect(JSON.stringify(await lab.says(id, 'robin', 'hallpass recording list'))).not.toContain(
    'hallpass connect',
  );
  await expect
    .poll(() => lab.under('robin', card), SOON)
    .toEqual(
      expect.arrayContaining(['Your session waits for consent.', 'Your session has ended.']),
    );
});

test('what is decided by the API instead, the message says too', async () => {
  const id = await lab.ask(broker, 'robin', await lab.pod());
  const asked = await lab.says(id, 'approvals', 'Waiting');
  const alex = await lab.as('approver', broker);
  await alex.decide(await alex.session(id), 'approve', 'go ahead');
  await lab.until(broker, id, 'active');
  const running = await lab.says(id, 'approvals', '*Running*');
  expect(running.ts).toBe(asked.ts);
  await expect.poll(said(asked), SOON).toEqual(['alex@example.com approved']);
  await lab.press(broker, 'robin', 'end', await lab.says(id, 'robin', 'hallpass_end'));
  await lab.says(id, 'approvals', 'Ended by its requester');
});

test('nobody approves their own request from another Slack account that is theirs', async () => {
  const id = await lab.ask(broker, 'alex', await lab.pod());
  const asked = await lab.says(id, 'approvals', 'Waiting');
  const told = lab.told().length;
  await lab.press(broker, 'sam', 'approve', asked);
  await expect
    .poll(() => lab.told().slice(told).join('\n'), SOON)
    .toContain('You asked for this session yourself');
  expect((await (await lab.as('approver', broker)).session(id)).state).toBe('pending');
  expect(await lab.under('approvals', asked)).toEqual([]);
});

test('two brokers at once keep each message once, and one that comes after them finds them again', async () => {
  await using replicas = new AsyncDisposableStack();
  const other = await lab.broker();
  replicas.defer(() => other.stop());
  const ids = [];
  for (const at of [broker, other, broker]) {
    ids.push(await lab.ask(at, 'robin', await lab.pod()));
  }
  const asked = await Promise.all(ids.map((id) => lab.says(id, 'approvals', 'Waiting')));
  const alex = await lab.as('approver', other);
  await Promise.all(ids.map(async (id) => alex.decide(await alex.session(id), 'deny', 'not now')));
  await Promise.all(ids.map((id) => lab.says(id, 'approvals', '*Refused*')));

  const id = await lab.ask(other, 'robin', await lab.pod());
  const waits = await lab.says(id, 'approvals', 'Waiting');
  await Promise.all([broker.stop(), other.stop()]);
  broker = await lab.broker();
  await lab.press(broker, 'alex', 'approve', waits);
  await lab.until(broker, id, 'active');
  expect((await lab.says(id, 'approvals', '*Running*')).ts).toBe(waits.ts);
  for (const [at, one] of ids.entries()) {
    expect((await lab.says(one, 'approvals', '*Refused*')).ts).toBe(asked[at]?.ts);
  }
});
