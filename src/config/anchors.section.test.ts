import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'webhook'), ` ${SECRET}\n`);
  writeFileSync(join(folder, 'bucket'), 'shh-of-the-bucket\n');
  writeFileSync(join(folder, 'empty'), '\n');
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(anchors: unknown) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    audit: { ...LEAST_CONFIG.audit, anchors },
  };
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ HALLPASS_CONFIG: path });
}

function good(anchors: unknown) {
  const config = load(anchors);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config;
}

describe('where checkpoints are put by', () => {
  test('is nowhere where nothing is said', () => {
    expect(good(undefined).audit.anchors).toEqual([]);
  });

  test('is a file, a locked bucket, a webhook and the log, with secrets that nothing prints', () => {
    const config = good([
      { name: 'worm', kind: 'file', file: 'checkpoints.jsonl' },
      {
        name: 'vault',
        kind: 's3',
        everySeconds: 300,
        s3: { bucket: 'b', accessKeyId: 'AK', secretAccessKeyFile: 'bucket' },
        retainDays: 2557,
      },
      { name: 'role', kind: 's3', s3: { bucket: 'c' }, retainDays: 1, lockMode: 'governance' },
      { name: 'witness', kind: 'webhook', url: 'https://w.example/', secretFile: 'webhook' },
      { name: 'log', kind: 'log' },
    ]);
    const [worm, vault, role, witness, log] = config.audit.anchors;
    expect(worm).toEqual({
      name: 'worm',
      kind: 'file',
      everySeconds: 60,
      path: join(folder, 'checkpoints.jsonl'),
    });
    expect(vault).toMatchObject({
      everySeconds: 300,
      s3: { bucket: 'b', region: 'us-east-1', endpoint: null },
      lock: { mode: 'COMPLIANCE', days: 2557 },
    });
    expect(role).toMatchObject({ lock: { mode: 'GOVERNANCE', days: 1 } });
    expect(witness).toMatchObject({ kind: 'webhook', url: 'https://w.example/' });
    expect(witness?.kind === 'webhook' && witness.secret?.reveal()).toBe(SECRET);
    expect(vault?.kind === 's3' && vault.s3.secretAccessKey?.reveal()).toBe('shh-of-the-bucket');
    expect(log).toEqual({ name: 'log', kind: 'log', everySeconds: 60 });
    const printed = inspect(config, { depth: 9 }) + JSON.stringify(config);
    expect(printed).not.toMatch(/shh-of|whsec_/);
  });

  test.each([
    [{ name: 'a', kind: 'tape' }, 'audit.anchors[0].kind'],
    [{ name: 'a', kind: 'file' }, 'audit.anchors[0].file: is missing'],
    [{ name: 'a', kind: 's3', s3: {} }, 'audit.anchors[0].s3.bucket: is missing'],
    [{ name: 'a', kind: 's3' }, 'audit.anchors[0].s3.bucket: is missing'],
    [{ name: 'a', kind: 'webhook' }, 'audit.anchors[0].url: is missing'],
    [{ name: 'a', kind: 'webhook', url: 'http://w.example/' }, 'must be an https:// URL'],
    [{ name: 'a', kind: 'webhook', url: 'https://w.example/', secret: 'short' }, 'whsec_'],
    [
      { name: 'a', kind: 'webhook', url: 'https://w.example/', secret: SECRET, secretFile: 'x' },
      'give one of secret and secretFile',
    ],
    [
      { name: 'a', kind: 'webhook', url: 'https://w.example/', secretFile: 'empty' },
      'audit.anchors[0].secretFile: is empty',
    ],
    [
      {
        name: 'a',
        kind: 's3',
        s3: { bucket: 'b', accessKeyId: 'AK', secretAccessKeyFile: 'empty' },
      },
      'audit.anchors[0].s3.secretAccessKeyFile: is empty',
    ],
    [{ name: 'Not A Name', kind: 'log' }, 'audit.anchors[0].name'],
    [{ name: 'a', kind: 'log', everySeconds: 0 }, 'audit.anchors[0].everySeconds'],
  ])('refuses %j', (anchor, sentence) => {
    const config = load([anchor]);
    expect(isConfigProblem(config) && configProblemText(config)).toContain(sentence);
  });

  test('refuses two of one name', () => {
    const config = load([
      { name: 'a', kind: 'log' },
      { name: 'a', kind: 'log' },
    ]);
    expect(isConfigProblem(config) && configProblemText(config)).toContain('is here twice');
  });
});
