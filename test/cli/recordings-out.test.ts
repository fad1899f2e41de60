import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { PrismaAuditLog } from '../../src/adapters/prisma/prisma-audit.log.js';
import { ReadLog } from '../../src/app/read-log.js';
import { ReadRecordings } from '../../src/app/read-recordings.js';
import { chunkFile, headerFile } from '../../src/domain/evidence/archive.names.js';
import type { RecordingId } from '../../src/domain/recording/recording.js';
import { EvidenceLab } from '../support/evidence.lab.js';
import { HallpassHome } from '../support/hallpass.client.js';
import type { Api } from '../support/http.api.js';
import { startApi } from '../support/http.api.js';
import { ORIGIN } from '../support/log.lab.js';

// A test runs the program several times, one after the other, and each start is computing.
vi.setConfig({ testTimeout: 120_000 });

let lab: EvidenceLab;
let api: Api;
let home: HallpassHome;
let one: Awaited<ReturnType<EvidenceLab['ended']>>;
let other: typeof one;
beforeAll(async () => {
  lab = await EvidenceLab.start();
  const { sessions: store, store: recordings, journal, database } = lab.lab;
  const clock = { now: () => new Date() };
  const signing = { origin: ORIGIN, signers: [lab.key] };
  const audit = new PrismaAuditLog(database);
  const readLog = new ReadLog({ store: lab.log, audit, clock, ...signing });
  const readRecordings = new ReadRecordings({ store, recordings, decompress, clock, journal });
  api = await startApi({ deps: { store, readLog, readRecordings } });
  home = await HallpassHome.make({ HALLPASS_SERVER: api.url, HALLPASS_TOKEN: 'auditor' });
  one = await lab.ended();
  other = await lab.ended();
  await lab.sequencer.once();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await api.close();
  await lab[Symbol.asyncDispose]();
});

const inLog = (path: string) => join(home.folder, 'log', path);
const hallpass = async (...args: string[]) => {
  const { code, stdout, stderr } = await home.run(args);
  return { code, out: stdout.toString(), err: stderr };
};
const taken = async (...more: string[]) => {
  await lab.sequencer.once();
  return hallpass('audit', 'export', inLog(''), ...more);
};
const verified = () => hallpass('audit', 'verify', inLog(''), '--key', lab.key.verifier.text);
const reads = async (of: typeof one) =>
  (await lab.lab.audits(of.session)).filter(({ action }) => action === 'recording.read');

describe('recordings beside a log that was taken out', () => {
  test('are said not to have been looked at where there are none', async () => {
    expect((await taken()).code).toBe(0);
    const { code, out } = await verified();
    expect(code).toBe(0);
    expect(out).toContain('2 recordings were not looked at');
  });

  test('are those that were stored, and each is read once, which is an event', async () => {
    const first = await taken('--recordings');
    expect(first).toMatchObject({
      code: 0,
      out: expect.stringContaining('2 recordings are there'),
    });
    expect(first.err).toContain('of 2 recordings …');
    expect(await verified()).toMatchObject({
      code: 0,
      out: expect.stringContaining('2 recordings are those that were stored.'),
    });
    await taken('--recordings');
    expect((await reads(one)).map(({ data }) => data['form'])).toEqual(['stored']);
  });

  test('are a finding where a chunk was changed', async () => {
    const chunk = inLog(chunkFile(one.recording, 1));
    const bytes = await readFile(chunk);
    await writeFile(chunk, Buffer.concat([bytes, Buffer.of(0)]));
    expect(await verified()).toMatchObject({
      code: 1,
      out: expect.stringContaining(
        `The recording ${one.recording} is not what its event says was stored.`,
      ),
    });
    await writeFile(chunk, bytes);
  });

  test('are a finding where one is missing, which is taken out again by the same command', async () => {
    await rm(inLog(headerFile(one.recording)));
    expect(await verified()).toMatchObject({
      code: 1,
      out: expect.stringContaining(
        `The recording ${one.recording} is missing, and no event says that it was dropped`,
      ),
    });
    await taken('--recordings');
    expect((await reads(one)).length).toBe(2);
    expect((await reads(other)).length).toBe(1);
    expect((await verified()).code).toBe(0);
  });

  test('are no finding where an event says that one was dropped', async () => {
    const id = other.recording as RecordingId;
    await rm(inLog('recordings'), { recursive: true });
    await lab.lab.age(id, 4_000);
    await lab.lab.keeper().once();
    expect((await lab.lab.store.find(id))?.droppedAt).not.toBeNull();
    const told = await taken('--recordings');
    expect(told.out).toContain('1 recording is there: the other one was dropped');
    await expect(access(inLog(headerFile(id)))).rejects.toThrow();
    expect(await verified()).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /1 recording is the one that was stored\.\n1 recording was dropped/,
      ),
    });
  });
});
