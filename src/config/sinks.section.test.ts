import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'hook'), `${SECRET}\n`);
  writeFileSync(join(folder, 'token'), 'the-token\n');
  writeFileSync(join(folder, 'ca'), '-----BEGIN CERTIFICATE-----\n');
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(sinks: readonly object[]) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    audit: { ...LEAST_CONFIG.audit, sinks },
  };
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ HALLPASS_CONFIG: path });
}

function mistakes(...sinks: readonly object[]): string {
  const config = load(sinks);
  if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
  return configProblemText(config);
}

const HOOK = { name: 'hook', kind: 'webhook', url: 'https://siem.example.com/in' };

test('sinks of every kind are read, with secrets that nothing prints', () => {
  const config = load([
    { ...HOOK, secretFile: 'hook', format: 'jsonl', everySeconds: 5 },
    { name: 'hec', kind: 'splunk', url: 'https://splunk:8088', secretFile: 'token', caFile: 'ca' },
    { name: 'bucket', kind: 's3', format: 'csv', s3: { bucket: 'audit' } },
    { name: 'log', kind: 'syslog', host: 'log.example.com' },
  ]);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  const { sinks } = config.audit;
  expect(sinks).toMatchObject([
    { name: 'hook', kind: 'webhook', format: 'jsonl', batch: 100, everyMs: 5000, caPem: null },
    { name: 'hec', kind: 'splunk', format: 'ocsf', index: null, everyMs: 1000 },
    { name: 'bucket', kind: 's3', format: 'csv', s3: { bucket: 'audit', prefix: '' } },
    { name: 'log', kind: 'syslog', host: 'log.example.com', port: 6514 },
  ]);
  expect(sinks[0]?.kind === 'webhook' && sinks[0].secret.reveal()).toBe(SECRET);
  expect(inspect(sinks, { depth: 9 })).not.toMatch(/whsec|the-token/);
});

test.each([
  [[{ name: 'a', kind: 'webhook' }], /sinks\[0\]\.url: is missing/],
  [
    [{ ...HOOK, secretFile: 'hook', index: 'x' }],
    /index: is nothing for a sink of the kind webhook/,
  ],
  [[{ ...HOOK, secretFile: 'token' }], /secretFile: what it holds must be whsec_/],
  [[{ ...HOOK, secretFile: 'nowhere' }], /secretFile: /],
  [[{ ...HOOK, secretFile: 'hook', caFile: 'token' }], /caFile: holds no certificate in PEM/],
  [[{ ...HOOK, secretFile: 'hook', url: 'http://siem.example.com' }], /url: must be an https/],
  [[{ ...HOOK, secretFile: 'hook', format: 'csv' }], /csv is for an S3-compatible store alone/],
  [[{ name: 'b', kind: 's3', s3: {} }], /s3\.bucket: is missing/],
  [
    [
      { name: 'c', kind: 'syslog', host: 'x' },
      { name: 'c', kind: 'syslog', host: 'y' },
    ],
    /twice/,
  ],
])('%j is refused, and why is said', (sinks, why) => {
  expect(mistakes(...sinks)).toMatch(why);
});
