import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SlackChannel } from '../../src/adapters/slack/slack.channel.js';
import { noticeContent } from '../../src/adapters/slack/notice.blocks.js';
import type { Channel } from '../../src/app/ports/channel.js';
import { NOTICE_KINDS } from '../../src/domain/notice/notice.kinds.js';
import type { NoticeKind } from '../../src/domain/notice/notice.kinds.js';
import { failure, never, notice } from '../notices/channel.lab.js';
import { overLimits } from '../support/block.limits.js';
import { SlackLab } from '../support/slack.lab.js';
import type { SlackFault } from '../support/slack.lab.js';

let slack: SlackLab;
let security: string;
let channel: Channel;
beforeEach(async () => {
  slack = await SlackLab.open();
  security = await slack.channel('security');
  channel = new SlackChannel(slack.api(), 'slack-security', security);
});
afterEach(() => slack.close());

/** A notice of now: older ones are not looked for among what is new. */
function now(kind: NoticeKind = 'bypass', details: Record<string, string> = { user: 'mallory' }) {
  const made = notice(kind);
  return { ...made, body: { ...made.body, at: new Date().toISOString(), details } };
}

describe('the security channel', () => {
  test('is told', async () => {
    expect(await channel.tell(now(), never)).toBe('taken');
    const [message, ...more] = await slack.messages(security);
    expect(more).toEqual([]);
    expect(message?.text).toContain('Somebody went past Hallpass');
    expect(JSON.stringify(message?.blocks)).toContain('mallory');
  });

  test.each<[string, readonly SlackFault[], number]>([
    ['whose answer was lost is there once', ['lost'], 1],
    ['that did not arrive comes the next time', ['dropped'], 1],
    ['that broke down on the way comes the next time', [{ status: 503 }, { status: 500 }], 2],
  ])('a notice %s', async (_, faults, failures) => {
    slack.fail('chat.postMessage', ...faults);
    for (let tries = 0; tries < failures; tries += 1) {
      expect(await failure(channel.tell(now(), never))).toMatchObject({
        words: expect.stringContaining('did not say what became of it') as string,
      });
    }
    expect(await channel.tell(now(), never)).toBe('taken');
    expect(await channel.tell(now(), never)).toBe('taken');
    expect(await slack.messages(security)).toHaveLength(1);
  });

  test.each([
    ['read', 'conversations.history'],
    ['written', 'chat.postMessage'],
  ])('is left alone for as long as Slack asks when it is %s', async (_, method) => {
    slack.fail(method, { busySeconds: 90 });
    const { afterMs = 0 } = (await failure(channel.tell(now(), never))) ?? {};
    expect(afterMs).toBe(90_000);
    const calls = slack.count(method);
    const again = await failure(channel.tell(now(), never));
    expect(again?.afterMs).toBeGreaterThan(80_000);
    expect(slack.count(method)).toBe(calls);
    expect(await slack.messages(security)).toEqual([]);
  });

  test('is left alone for half a minute where Slack does not say for how long', async () => {
    slack.fail('chat.postMessage', { busySeconds: null });
    expect(await failure(channel.tell(now(), never))).toMatchObject({ afterMs: 30_000 });
  });

  test.each(['token_revoked', 'invalid_auth', 'missing_scope', 'account_inactive'])(
    'waits where Slack says %s',
    async (word) => {
      slack.fail('conversations.history', { word });
      slack.fail('chat.postMessage', { word });
      expect(await failure(channel.tell(now(), never))).toMatchObject({
        words: `Slack says no: ${word}`,
      });
      expect(await channel.tell(now(), never)).toBe('taken');
    },
  );

  test.each(['is_archived', 'channel_not_found', 'not_in_channel'])(
    'waits where Slack says %s of it: an alarm is not given up for what an operator can mend',
    async (word) => {
      slack.fail('chat.postMessage', { word });
      expect(await failure(channel.tell(now(), never))).toMatchObject({
        words: `Slack says no: ${word}`,
      });
    },
  );

  test('refuses for good what Slack will never take', async () => {
    slack.fail('chat.postMessage', { word: 'invalid_blocks' });
    expect(await channel.tell(now(), never)).toEqual({ refused: 'Slack answered invalid_blocks' });
  });

  test('is told all the same where the app may not look', async () => {
    slack.fail('conversations.history', { word: 'missing_scope' });
    expect(await channel.tell(now(), never)).toBe('taken');
    expect(await slack.messages(security)).toHaveLength(1);
  });

  test('is given up on within the time that telling may take', async () => {
    slack.isDeaf = true;
    const hurried: Channel = new SlackChannel(slack.api(50), 'slack-security', security);
    expect(await failure(hurried.tell(now(), never))).toMatchObject({
      words: expect.stringContaining('was not answered') as string,
    });
  });
});

const LONG = { why: 'x'.repeat(20_000), user: '<'.repeat(3_000), agent: '&'.repeat(3_000) };
const MANY = Object.fromEntries(
  Array.from({ length: 60 }, (_, at) => [`key-${at}`, 'y'.repeat(99)]),
);
const KINDS = Object.keys(NOTICE_KINDS) as NoticeKind[];

describe.each(KINDS)('a notice of %s', (kind) => {
  test.each([
    ['plain', { user: 'mallory' }],
    ['empty', { why: '' }],
    ['long', LONG],
    ['of many parts', MANY],
  ])('is within what Slack documents: %s', (_, details) => {
    expect(overLimits(noticeContent(now(kind, details).body))).toEqual([]);
  });
});

test('what people wrote mentions nobody, links nowhere and hides nothing', async () => {
  const hostile = {
    user: '<!channel> <@U0ALEX> <!here>',
    agent: '<https://evil.example/|https://hallpass.example.com>',
    why: 'safe\u202Etxt.exe *bold* \u200bnothing',
    'a<!everyone>label': 'x',
  };
  const written = now('bypass', hostile);
  const body = { ...written.body, namespace: '<!channel>', title: 'A <!here> title' };
  expect(await channel.tell({ ...written, body }, never)).toBe('taken');
  const [message] = await slack.messages(security);
  const said = JSON.stringify({ ...message, blocks: message?.blocks.slice(1) });
  for (const mark of ['<!', '<@', '<https', '\u202E', '\u200b']) {
    expect(said, mark).not.toContain(mark);
  }
  expect(said).toContain('&lt;!channel&gt;');
  // A header is plain text, in which Slack parses nothing.
  expect(message?.blocks[0]).toMatchObject({ type: 'header', text: { type: 'plain_text' } });
});
