import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ReadLog } from '../../src/app/read-log.js';
import { readSigner } from '../../src/domain/audit/signed.note.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { LogLab, ORIGIN } from '../support/log.lab.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

let lab: LogLab;
let api: Api;
let home: HallpassHome;
beforeAll(async () => {
  lab = await LogLab.start();
  const { store, audit, key } = lab;
  const clock = { now: () => new Date() };
  const readLog = new ReadLog({ store, audit, clock, origin: ORIGIN, signers: [key] });
  api = await startApi({ deps: { readLog } });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'auditor' });
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const hallpass = async (...args: string[]) => {
  const { code, stdout, stderr } = await home.run(args);
  return { code, out: stdout.toString(), err: stderr };
};
const inHome = (name: string) => join(home.folder, name);

describe('the log, taken out and verified', () => {
  test('is whole, says so, and costs only what is new the next time', async () => {
    const nothing = await hallpass('audit', 'export', inHome('log'));
    expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining('signed nothing yet') });

    await lab.write(600);
    await lab.replica().once();
    const taken = await hallpass('audit', 'export', inHome('log'));
    expect(taken).toMatchObject({ code: 0, out: expect.stringContaining('Took out 600 events') });
    await writeFile(inHome('older'), await readFile(inHome('log/checkpoint')));
    expect((await stat(inHome('log/checkpoint'))).mode & 0o777).toBe(0o600);

    const read = await lab.count('audit_events');
    await lab.replica().once();
    await hallpass('audit', 'export', inHome('log'));
    // The bundle that was not full is another now; the two full ones were not read again.
    expect(await lab.count('audit_events')).toBe(read + 1);

    const key = lab.key.verifier.text;
    await writeFile(inHome('key'), `${key}\n`);
    for (const given of [key, inHome('key')]) {
      const args = ['--key', given, '--older', inHome('older')];
      const verified = await hallpass('audit', 'verify', inHome('log'), ...args);
      expect(verified).toEqual({
        code: 0,
        err: expect.stringMatching(/^(\d+ of 603 events …\n)*$/),
        out: expect.stringMatching(
          /^hallpass\.example\/v1\/audit: 603 events, signed by \S+ \([0-9a-f]{8}\)\.\nAll 603 events are as they were signed, and in order\. It goes on from the older checkpoint of 600 events\.\n$/,
        ),
      });
    }
  });

  test('is written in a form for other tools beside it, an event a line', async () => {
    for (const [format, file] of [
      ['jsonl', 'events.jsonl'],
      ['ocsf', 'events.ocsf.jsonl'],
      ['csv', 'events.csv'],
    ] as const) {
      const taken = await hallpass('audit', 'export', inHome('told'), '--format', format);
      const [, count] = /tells (\d+) of them/.exec(taken.out) ?? [];
      const text = await readFile(inHome(`told/${file}`), 'utf8');
      expect(text.trimEnd().split('\n').length).toBe(Number(count) + (format === 'csv' ? 1 : 0));
      expect(Number(count)).toBeGreaterThan(600);
      expect(text).toContain('session.finish');
    }
  });

  test('is not said to be tampered with where none is: a path may be mistyped', async () => {
    const key = ['--key', lab.key.verifier.text];
    const nowhere = await hallpass('audit', 'verify', inHome('nonexist'), ...key);
    expect(nowhere).toMatchObject({ code: 2, out: '' });
    expect(nowhere.err).toContain(`Nothing is there: ${inHome('nonexist')}.`);
    const other = await hallpass('audit', 'verify', inHome(''), ...key);
    expect(other).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('No log is there'),
    });
    await rm(inHome('told/checkpoint'));
    const cut = await hallpass('audit', 'verify', inHome('told'), ...key);
    expect(cut).toMatchObject({ code: 1, out: expect.stringContaining('checkpoint is missing') });
  });

  test('is verified without a broker, and what was changed is named and ends with 1', async () => {
    const bundle = inHome('log/tile/entries/000');
    const bytes = await readFile(bundle);
    const text = bytes.toString('latin1').replace('session.finish', 'session.revoke');
    await writeFile(bundle, Buffer.from(text, 'latin1'));
    const offline = { HALLPASS_SERVER: 'http://127.0.0.1:1' };
    const args = ['audit', 'verify', inHome('log'), '--key', lab.key.verifier.text];
    const found = await home.run(args, undefined, offline);
    expect(found.code).toBe(1);
    expect(found.stdout.toString()).toContain('Event 0: is not what the tree has a hash of');
    const json = await home.run([...args, '-o', 'json'], undefined, offline);
    expect(JSON.parse(json.stdout.toString())).toMatchObject({
      checkpoint: { origin: ORIGIN, size: 603 },
      findings: [{ index: 0 }],
    });
    await writeFile(bundle, bytes);
  });

  test.each([
    [['--key', 'nowhere'], 'nowhere cannot be read: name a file, or give the key itself.'],
    [['--key', 'log+00000000+AAAA'], 'must be an Ed25519 key'],
    [[], "required option '--key <key>' not specified"],
    [['--key', 'KEY', '--older', 'nowhere'], 'nowhere cannot be read'],
  ])('says what is wrong with %j, and ends with 2', async (args, sentence) => {
    const given = args.map((it) => (it === 'KEY' ? lab.key.verifier.text : it));
    const told = await hallpass('audit', 'verify', inHome('log'), ...given);
    expect(told).toMatchObject({ code: 2, err: expect.stringContaining(sentence) });
  });
});

describe('a key', () => {
  test('is made into a file of its own that nobody else reads, and never over another', async () => {
    const made = await hallpass('audit', 'keygen', ORIGIN, inHome('secret'));
    const signer = readSigner((await readFile(inHome('secret'), 'utf8')).trim());
    if (typeof signer === 'string') throw new Error(signer);
    expect(made.code).toBe(0);
    expect(made.out.split('\n')[0]).toBe(signer.verifier.text);
    expect(made.out).not.toContain('PRIVATE');
    expect((await stat(inHome('secret'))).mode & 0o777).toBe(0o600);
    const shown = await hallpass('audit', 'keygen', '--show', inHome('secret'));
    expect(shown).toEqual({ code: 0, err: '', out: `${signer.verifier.text}\n` });
    const again = await hallpass('audit', 'keygen', ORIGIN, inHome('secret'));
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is there already') });
    const named = await hallpass('audit', 'keygen', 'a b', inHome('other'));
    expect(named).toMatchObject({ code: 2, err: expect.stringContaining('no spaces') });
    for (const args of [[], [ORIGIN], [ORIGIN, inHome('x'), '--show', inHome('secret')]]) {
      const half = await hallpass('audit', 'keygen', ...args);
      expect(half).toMatchObject({
        code: 2,
        err: expect.stringContaining('Give a name and a file'),
      });
    }
  });

  test('that is secret verifies nothing, is told nobody again, and its verifier is named', async () => {
    const secret = (await readFile(inHome('secret'), 'utf8')).trim();
    for (const given of [secret, inHome('secret')]) {
      const { code, out, err } = await hallpass('audit', 'verify', inHome('log'), '--key', given);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/the secret key.*hallpass audit keygen --show/s);
      expect(err).not.toContain(secret);
    }
  });

  test('that the broker tells is shown, with a word on what that is worth', async () => {
    const told = await hallpass('audit', 'keys');
    expect(told).toMatchObject({ code: 0, out: `${lab.key.verifier.text}\n` });
    expect(told.err).toContain('proves nothing against the broker itself');
  });
});

describe('where there is no room left', () => {
  test('what is printed is not taken for printed', async () => {
    await lab.write(1);
    await lab.replica().once();
    const printed = await home.runOther('bash', ['-c', 'hallpass --version > /dev/full']);
    expect(printed).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^It could not be written whole \(ENOSPC\): .*\n$/),
    });
  });

  test('an export says so, leaves nothing that looks whole, and goes on once there is room', async ({
    skip,
  }) => {
    const folder = inHome('small');
    await mkdir(folder);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder]);
    skip(mounted.status !== 0, 'only root can mount a small file system');
    try {
      await lab.write(400);
      await lab.replica().once();
      const taken = await hallpass('audit', 'export', folder);
      expect(taken).toMatchObject({ code: 2, err: expect.stringContaining('(ENOSPC)') });
      const left = await readdir(folder, { recursive: true });
      expect(left.filter((name) => /checkpoint|-\w{8,}$/.test(name))).toEqual([]);
      spawnSync('mount', ['-o', 'remount,size=16m', folder]);
      expect(await hallpass('audit', 'export', folder)).toMatchObject({ code: 0 });
      const verified = await hallpass('audit', 'verify', folder, '--key', lab.key.verifier.text);
      expect(verified.code).toBe(0);
    } finally {
      spawnSync('umount', [folder]);
    }
  });
});
