import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'secret'), ' shh-of-the-bucket\n');
  writeFileSync(join(folder, 'empty'), '\n');
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function load(recordings: object) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    recordings,
  };
  writeFileSync(path, JSON.stringify(config));
  return loadConfig({ HALLPASS_CONFIG: path });
}

function good(recordings: object) {
  const config = load(recordings);
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return config;
}

function mistakes(recordings: object): string {
  const config = load(recordings);
  if (!isConfigProblem(config)) throw new Error('there is nothing wrong with it');
  return configProblemText(config);
}

describe('where recordings are kept', () => {
  test('is the database where nothing is said', () => {
    expect(good({}).recordings).toEqual({ store: 'database', s3: null });
  });

  test('is a bucket, with a secret from a file that nothing prints', () => {
    const s3 = { bucket: 'b', accessKeyId: 'AK', secretAccessKeyFile: 'secret' };
    const config = good({ store: 's3', s3 });
    expect(config.recordings.s3).toMatchObject({
      bucket: 'b',
      prefix: '',
      region: 'us-east-1',
      endpoint: null,
      forcePathStyle: false,
      accessKeyId: 'AK',
    });
    expect(config.recordings.s3?.secretAccessKey?.reveal()).toBe('shh-of-the-bucket');
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('shh-of');
  });

  test('may be a bucket by the role that the platform gives, and an old one beside the database', () => {
    expect(good({ store: 's3', s3: { bucket: 'b' } }).recordings.s3?.secretAccessKey).toBeNull();
    expect(good({ s3: { bucket: 'old' } }).recordings).toMatchObject({
      store: 'database',
      s3: { bucket: 'old' },
    });
  });

  test.each([
    [{ store: 's3' }, 's3.bucket: is missing'],
    [{ store: 'tape' }, 'recordings.store'],
    [{ s3: { bucket: 'b', accessKeyId: 'AK' } }, 'give key and secret, or neither'],
    [{ s3: { bucket: 'b', secretAccessKey: 'x' } }, 'give key and secret, or neither'],
    [
      {
        s3: { bucket: 'b', accessKeyId: 'AK', secretAccessKey: 'x', secretAccessKeyFile: 'secret' },
      },
      'give one of secretAccessKey and secretAccessKeyFile',
    ],
    [
      { s3: { bucket: 'b', accessKeyId: 'AK', secretAccessKeyFile: 'nowhere' } },
      'secretAccessKeyFile',
    ],
    [{ s3: { bucket: 'b', accessKeyId: 'AK', secretAccessKeyFile: 'empty' } }, 'is empty'],
    [{ s3: { bucket: 'b', prefix: '/a/' } }, 'names of folders'],
    [{ s3: { bucket: 'b', endpoint: 'ftp://x' } }, 'http(s)'],
  ])('refuses %j', (recordings, sentence) => {
    expect(mistakes(recordings)).toContain(sentence);
  });
});
