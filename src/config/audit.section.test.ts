import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEAST_CONFIG } from '../../test/support/least.config.js';
import { makeKey } from '../domain/audit/signed.note.js';
import { configProblemText, isConfigProblem } from './config.problem.js';
import { loadConfig } from './load.config.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hallpass-config-'));
  writeFileSync(join(folder, 'audit.key'), makeKey('log.example').signer);
});
afterAll(() => rmSync(folder, { recursive: true }));

function audit(over: object) {
  const path = join(folder, 'hallpass.yaml');
  const config = {
    ...LEAST_CONFIG,
    audit: { ...LEAST_CONFIG.audit, ...over },
  };
  writeFileSync(path, JSON.stringify(config));
  const loaded = loadConfig({ HALLPASS_CONFIG: path });
  return isConfigProblem(loaded) ? configProblemText(loaded) : loaded.audit;
}

function retention(over: object) {
  const read = audit(over);
  return typeof read === 'string' ? read : read.retention;
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

test('keys that sign no more are read as verifier keys, none unless they are named', () => {
  const [one, two] = [makeKey('log.example'), makeKey('other.example')];
  const formerOf = (formerKeys?: readonly unknown[]) => {
    const read = audit(formerKeys ? { formerKeys } : {});
    return typeof read === 'string' ? read : read.formerKeys.map(({ text }) => text);
  };
  expect(formerOf()).toEqual([]);
  expect(formerOf([one.verifier, two.verifier])).toEqual([one.verifier, two.verifier]);
});

test('a former key that is none is refused, with its place and without what it holds', () => {
  const { signer, verifier } = makeKey('log.example');
  const id = verifier.split('+')[1] ?? '';
  const wrong = [
    'no key',
    // Somebody pastes the secret half: it must not be shown to whoever reads the log.
    signer,
    verifier.replace(id, id === '00000000' ? '11111111' : '00000000'),
    verifier.slice(0, -8),
    '',
    7,
  ];
  for (const key of wrong) {
    const told = audit({ formerKeys: [verifier, key] });
    expect(told, String(key)).toMatch(/audit\.formerKeys[.[]1/);
    expect(told).not.toContain(signer.split('+').at(-1));
  }
  const many = Array.from({ length: 17 }, () => makeKey('log.example').verifier);
  expect(audit({ formerKeys: many })).toContain('audit.formerKeys');
});
