import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const WORKFLOW = 'https://x.logic.azure.com/workflows/1?sig=the-signature';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  const files = { hook: SECRET, teams: WORKFLOW, key: 'K'.repeat(32), password: 'the-password' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
  writeFileSync(join(folder, 'ca'), '-----BEGIN CERTIFICATE-----\n');
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(notifications: object) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    notifications,
  };
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ HALLPASS_CONFIG: path });
}

function loaded(notifications: object) {
  const config = load(notifications);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config.notifications;
}

const HOOK = { name: 'hook', kind: 'webhook', url: 'https://x.example.com', secretFile: 'hook' };
const MAIL = {
  name: 'mail',
  kind: 'email',
  host: 'smtp.example.com',
  from: 'hallpass@example.com',
  to: ['security@example.com'],
};
const PAGER = { name: 'pager', kind: 'pagerduty', secretFile: 'key' };

test('channels of every kind are read, with secrets that nothing prints', () => {
  const { channels, subscriptions, giveUpDays } = loaded({
    channels: [
      HOOK,
      { name: 'teams', kind: 'teams', secretFile: 'teams' },
      { ...MAIL, user: 'hallpass', secretFile: 'password', security: 'tls', caFile: 'ca' },
      PAGER,
    ],
    subscriptions: [{ channel: 'mail', events: ['break-glass'], namespaces: ['pay*'] }],
  });
  expect(channels).toMatchObject([
    { name: 'hook', kind: 'webhook', allowPrivate: false, caPem: null },
    { name: 'teams', kind: 'teams' },
    { name: 'mail', kind: 'email', port: 465, security: 'tls', domain: 'example.com' },
    { name: 'pager', kind: 'pagerduty', url: 'https://events.pagerduty.com/v2/enqueue' },
  ]);
  expect(subscriptions).toEqual([
    {
      channel: 'mail',
      events: ['break-glass'],
      clusters: ['*'],
      namespaces: ['pay*'],
      autoGranted: false,
    },
  ]);
  expect(giveUpDays).toBe(3);
  expect(inspect(channels, { depth: 9 })).not.toMatch(/whsec|the-signature|KKKK|the-password/);
});

test('nobody is told of anything where nothing is configured, and mail is kept from others', () => {
  expect(loaded({})).toEqual({ channels: [], subscriptions: [], giveUpDays: 3 });
  expect(loaded({ channels: [MAIL] }).channels).toMatchObject([
    { port: 587, security: 'starttls' },
  ]);
});

test('a channel that moves is another one, and one that is only renamed or told more is not', () => {
  const of = (over: object) =>
    loaded({ channels: [{ ...HOOK, ...over }] }).channels[0]?.fingerprint;
  expect(of({ name: 'other', allowPrivate: true })).toBe(of({}));
  expect(of({ url: 'https://y.example.com' })).not.toBe(of({}));
});

const channels = (...list: readonly object[]) => ({ channels: list });
const WAKE = ['break-glass'];

test.each([
  [channels({ name: 'a', kind: 'webhook' }), /channels\[0\]\.url: is missing/],
  [channels({ name: 'a', kind: 'pigeon' }), /channels\[0\]\.kind: /],
  [channels({ ...HOOK, host: 'x' }), /host: is nothing for a channel of the kind webhook/],
  [channels({ ...HOOK, secretFile: 'password' }), /secretFile: what it holds must be whsec_/],
  [channels({ ...HOOK, secretFile: 'nowhere' }), /secretFile: /],
  [channels({ ...HOOK, url: 'http://x.example.com' }), /url: must be an https/],
  [channels({ ...HOOK, url: 'https://user@x.example.com' }), /url: must be an https/],
  [channels({ ...HOOK, caFile: 'password' }), /caFile: holds no certificate in PEM/],
  [
    channels({ name: 't', kind: 'teams', secretFile: 'hook' }),
    /secretFile: what it holds must be the https address/,
  ],
  [
    channels({ ...PAGER, secretFile: 'hook' }),
    /secretFile: what it holds must be an integration key/,
  ],
  [channels({ ...MAIL, from: 'x\r\nBcc: y@example.com' }), /from: must be an e-mail address/],
  [channels({ ...MAIL, to: [] }), /to: name one at least/],
  [channels({ ...MAIL, user: 'x' }), /user: give both of user and secretFile/],
  [
    channels({ ...MAIL, user: 'x', secretFile: 'password', security: 'none' }),
    /security: must not be none where there is a password/,
  ],
  [channels(HOOK, HOOK), /twice/],
  [
    { subscriptions: [{ channel: 'x', events: WAKE }] },
    /subscriptions\[0\]\.channel: is no channel/,
  ],
  [
    { ...channels(HOOK), subscriptions: [{ channel: 'hook', events: [] }] },
    /events: name one at least/,
  ],
  [
    { ...channels(HOOK), subscriptions: [{ channel: 'hook', events: ['break-glas'] }] },
    /events\[0\]: /,
  ],
  [
    { ...channels(PAGER), subscriptions: [{ channel: 'pager', events: ['session.started'] }] },
    /events: may for PagerDuty be break-glass/,
  ],
  [{ giveUpDays: 0 }, /giveUpDays: /],
])('%j is refused, and why is said', (notifications, why) => {
  const config = load(notifications);
  if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
  const text = configProblemText(config);
  expect(text).toMatch(why);
  expect(text).not.toMatch(/whsec_[A-Za-z0-9]|the-password/);
});
