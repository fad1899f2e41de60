import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeKey } from '../domain/audit/signed.note.js';
import { isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-web-'));
  write('audit.key', `${makeKey('hallpass.example.com/audit').signer}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function load(web: string, more = '') {
  return loadConfig({
    HALLPASS_CONFIG: write(
      'hallpass.yaml',
      `server: { publicUrl: https://hallpass.example.com }
database: { url: postgresql://hallpass:hunter2@db.example.com/hallpass }
identity:
  issuers:
    - { issuer: https://login.example.com, audience: hallpass${web} }
clusters: [{ name: prod, inCluster: true, namespaces: [payments] }]
policies: { folders: [.] }
audit: { keyFiles: [audit.key] }
${more}`,
    ),
  });
}

function mistakes(web: string, more = ''): string[] {
  const config = load(web, more);
  if (!isConfigProblem(config)) throw new Error('nothing is wrong');
  return config.mistakes.map(({ path, message }) => `${path}: ${message}`);
}

test('a client for browsers comes with its secret read, and never shows it', () => {
  write('web.secret', 'hunter2\n');
  const config = load(', web: { clientId: w, clientSecretFile: web.secret }');
  if (isConfigProblem(config)) throw new Error(JSON.stringify(config.mistakes));
  const [client] = config.webClients;
  expect(client?.clientSecret?.reveal()).toBe('hunter2');
  expect(client).toMatchObject({ issuer: 'https://login.example.com', clientId: 'w' });
  expect(JSON.stringify(config.webClients)).not.toContain('hunter2');
});

test('without one there is nothing to sign in to by a browser, and no Slack unless it is said', () => {
  const config = load('');
  if (isConfigProblem(config)) throw new Error(JSON.stringify(config.mistakes));
  expect([config.webClients, config.slack]).toEqual([[], undefined]);
});

test('what is wrong with them is told', () => {
  write('empty.secret', '\n');
  expect(mistakes(', web: { clientId: w, clientSecretFile: nowhere }')).toEqual([
    'identity.issuers[0].web.clientSecretFile: cannot be read (ENOENT): put it there, or correct the path',
  ]);
  expect(mistakes(', web: { clientId: w, clientSecretFile: empty.secret }')).toEqual([
    'identity.issuers[0].web.clientSecretFile: is empty',
  ]);
  expect(
    mistakes(', web: { clientSecret: hunter2 }', 'slack: { teamId: acme, signInMaxAgeSeconds: 1 }'),
  ).toEqual([
    'identity.issuers[0].web.clientId: is missing',
    expect.stringContaining('identity.issuers[0].web.clientSecret: is not known') as string,
    'slack.teamId: must be the id of a workspace, such as T0123ABCD',
    expect.stringContaining('slack.signInMaxAgeSeconds: ') as string,
  ]);
});

test('what speaks to Slack is read from files, for the way that Slack is to come', () => {
  write('bot', 'xoxb-lab-1\n');
  write('app', 'xapp-lab-1\n');
  write('signing', '0123456789abcdef\n');
  write('nothing', '\n');
  const section = (more: string) => `slack: { teamId: T0123ABCD, botTokenFile: bot${more} }`;
  const config = load('', section(', appTokenFile: app'));
  if (isConfigProblem(config)) throw new Error(JSON.stringify(config.mistakes));
  expect(config.slackSecrets?.door).toMatchObject({ mode: 'socket' });
  expect(JSON.stringify(config.slackSecrets)).not.toContain('lab');
  const posted = load('', section(', mode: http, signingSecretFile: signing'));
  if (isConfigProblem(posted)) throw new Error(JSON.stringify(posted.mistakes));
  expect(posted.slackSecrets?.door).toMatchObject({ mode: 'http' });
  expect(mistakes('', section(''))).toEqual([
    'slack.appTokenFile: is required where `slack.mode` is `socket`',
  ]);
  expect(mistakes('', section(', mode: http, signingSecretFile: nothing'))).toEqual([
    'slack.signingSecretFile: is empty',
  ]);
  expect(mistakes('', section(', appTokenFile: bot'))).toEqual([
    'slack.appTokenFile: what it holds must be the token of an app (xapp-…)',
  ]);
});
