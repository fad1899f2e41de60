import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RECORDING_LIMITS } from '../../src/app/record-streams.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import type { Session } from '../../src/domain/session/session.js';
import { RecordingLab } from '../support/recording.lab.js';

/** What the document tells to type, in its order: fetching, and checking. */
let fetching: string;
let checking: string;
let lab: RecordingLab;
let folder: string;
let recorded: { readonly id: RecordingId; readonly session: Session };
beforeAll(async () => {
  const document = await readFile('docs/recording.md', 'utf8');
  const scripts = [...document.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, script = '']) => script);
  [fetching = '', checking = ''] = scripts;
  expect(scripts).toHaveLength(2);
  lab = await RecordingLab.start();
  folder = await mkdtemp(join(tmpdir(), 'hallpass-checking-'));
  recorded = await ofManyChunks();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await lab[Symbol.asyncDispose]();
});

/** More than nine: by name, the tenth comes before the second. */
async function ofManyChunks() {
  const session = await lab.session();
  const limits = { ...RECORDING_LIMITS, chunkBytes: 1 };
  const recording = await lab.open(lab.recorder({ limits }), { session });
  for (let n = 0; n < 12; n++) await recording.output('stdout', Buffer.from(`ü\\n "${n}"\r\n`));
  await recording.finish({ exitCode: 0, why: 'exited' });
  return { id: recording.id, session };
}

function typed(script: string): string {
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: lab.fresh.serviceUrl,
    RECORDING: recorded.id,
  };
  return execFileSync('sh', ['-eu', '-c', script], { cwd: folder, env }).toString();
}

async function expectChecked(): Promise<void> {
  const { id, session } = recorded;
  const [last] = (await lab.audits(session)).slice(-1);
  expect(typed(checking).trim()).toBe(last?.data['digest']);
  const info = await lab.store.find(id);
  const lines = (await lab.store.chunks(id, 0, 100)).map(({ bytes }) =>
    gunzipSync(bytes).toString(),
  );
  const cast = await readFile(join(folder, 'recording.cast'), 'utf8');
  expect(cast).toBe(`${info?.header}\n${lines.join('')}`);
}

describe('checking a recording by hand, as its document tells', () => {
  test('gives the digest in the audit log, and what was shown', async () => {
    const { id } = recorded;
    const info = await lab.store.find(id);
    await writeFile(join(folder, 'header'), `${info?.header}\n`);
    const chunks = await lab.store.chunks(id, 0, 100);
    expect(chunks.length).toBeGreaterThan(9);
    for (const { seq, bytes } of chunks) await writeFile(join(folder, `${seq}`), bytes);
    await expectChecked();
  });

  test('tells of a chunk that was changed', async () => {
    const before = typed(checking);
    const first = join(folder, '1');
    const bytes = await readFile(first);
    // A member of gzip may be followed by another one.
    await writeFile(first, Buffer.concat([bytes, bytes]));
    expect(typed(checking)).not.toBe(before);
    await writeFile(first, bytes);
    expect(typed(checking)).toBe(before);
  });

  test.skipIf(spawnSync('psql', ['--version']).status !== 0)(
    'begins with psql, which fetches header and chunks as they are',
    async () => {
      await rm(folder, { recursive: true });
      folder = await mkdtemp(join(tmpdir(), 'hallpass-checking-'));
      expect(typed(fetching)).toBe('');
      await expectChecked();
    },
  );
});
