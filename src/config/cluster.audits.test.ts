import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

const TOKEN = 'a-token-of-the-sandbox-0123456789abcdef';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  file('audit.key', makeKey('log.example').signer);
  file('kubeconfig', '');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What is loaded with these sections `audit` of the clusters `c0`, `c1`…. */
function configWith(audits: readonly string[]) {
  const clusters = audits.map(
    (audit, index) => `  - { name: c${index}, kubeconfig: kubeconfig, audit: ${audit} }\n`,
  );
  const path = file(
    'hallpass.yaml',
    `server:
  publicUrl: https://hallpass.example.com
database:
  url: postgresql://hallpass:hunter2@db.example.com/hallpass
identity:
  issuers:
    - issuer: https://login.example.com
      audience: hallpass
policies:
  folders: [.]
audit:
  keyFiles: [audit.key]
clusters:
${clusters.join('')}`,
  );
  return loadConfig({ HALLPASS_CONFIG: path });
}

/** The audits, or the mistakes as sentences. */
function load(...audits: string[]) {
  const config = configWith(audits);
  return isConfigProblem(config)
    ? configProblemText(config).replaceAll(`${folder}/`, '').split('\n')
    : config.clusterAudits;
}

describe('the audit logs of clusters', () => {
  test('are known by account, token and file, and the token is a secret', () => {
    file('token', `${TOKEN}\n`);
    const audits = load('{ account: a, tokenFile: token }', '{ account: b, logFile: audit.log }');
    expect(audits).toMatchObject([
      { name: 'c0', account: 'a', logFile: null },
      { name: 'c1', account: 'b', token: null, logFile: join(folder, 'audit.log') },
    ]);
    expect(JSON.stringify(audits) + inspect(audits, { depth: 9 })).not.toContain(TOKEN);
  });

  test.each([
    ['is not there', undefined, /cannot be read|not there|no such/i],
    ['is short', 'x'.repeat(31), /must be 32 to 4096 printable ASCII characters/],
    ['is empty', '', /must be 32 to 4096|empty/],
    ['has spaces within', `${'x'.repeat(20)} ${'x'.repeat(20)}`, /without spaces/],
    ['is no ASCII', 'ü'.repeat(40), /printable ASCII/],
    ['is huge', Buffer.alloc(10_000_000, 'x'), /./],
  ])('are refused where the token %s, and the sentence does not quote it', (_, text, says) => {
    if (text !== undefined) file('token', text);
    const told = load('{ account: a, tokenFile: token }');
    expect(told).toEqual([expect.stringMatching(/clusters\[0\]\.audit\.tokenFile: /)]);
    expect(JSON.stringify(told)).toMatch(says);
    expect(JSON.stringify(told)).not.toContain('xxxx');
  });

  test('are refused where two clusters have one token: one could speak for the other', () => {
    file('one', TOKEN);
    file('two', `${TOKEN}\n`);
    expect(load('{ account: a, tokenFile: one }', '{ account: a, tokenFile: two }')).toEqual([
      expect.stringContaining('clusters[1].audit.tokenFile: holds the token of another cluster'),
    ]);
  });

  test('do not take up the token of another cluster later either, and their own again', () => {
    file('one', TOKEN);
    file('two', `${TOKEN}-2`);
    const audits = ['{ account: a, tokenFile: one }', '{ account: a, tokenFile: two }'];
    const config = configWith(audits);
    if (isConfigProblem(config)) throw new Error(configProblemText(config));
    const renewed = (index: number, token: string) =>
      config.files
        .find(({ key }) => key === `clusters[${index}].audit.tokenFile`)
        ?.renew?.([token]);
    const tokens = () => config.clusterAudits.map(({ token }) => token?.reveal());
    expect(renewed(1, TOKEN)).toBe('holds the token of another cluster');
    expect(renewed(0, TOKEN)).toBeUndefined();
    expect(tokens()).toEqual([TOKEN, `${TOKEN}-2`]);
    expect(renewed(0, `${TOKEN}-1`)).toBeUndefined();
    expect(renewed(1, TOKEN)).toBeUndefined();
    expect(tokens()).toEqual([`${TOKEN}-1`, TOKEN]);
  });

  test('are refused without a way to learn of them', () => {
    expect(load('{ account: a }')).toEqual([
      expect.stringContaining('give a tokenFile, a logFile, or both'),
    ]);
  });
});
