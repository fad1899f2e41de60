import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function retention(over: object) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    server: { publicUrl: 'https://hallpass.example.com' },
    database: { url: 'postgresql://hallpass@db.example.com/hallpass' },
    identity: { issuers: [{ issuer: 'https://login.example.com', audience: 'hallpass' }] },
    clusters: [{ name: 'prod', inCluster: true }],
    policies: { folders: ['.'] },
    audit: { keyFiles: ['audit.key'], ...over },
  };
  writeFileSync(path, JSON.stringify(config));
  const loaded = loadConfig({ HALLPASS_CONFIG: path });
  return isConfigProblem(loaded) ? configProblemText(loaded) : loaded.audit.retention;
}

test('bodies of events are kept for ever unless it is said for how long, and for thirty days at least', () => {
  expect(retention({})).toBeNull();
  expect(retention({ retention: { keepDays: 400 } })).toEqual({ keepDays: 400 });
  for (const keepDays of [29, 0, -1, 30.5, 1e9, '400'])
    expect(retention({ retention: { keepDays } }), String(keepDays)).toContain(
      'audit.retention.keepDays',
    );
  expect(retention({ retention: {} })).toContain('audit.retention.keepDays');
});
