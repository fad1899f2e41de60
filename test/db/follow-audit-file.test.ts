import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LocalAuditFiles } from '../../src/adapters/files/audit.files.js';
import { PrismaBypassStore } from '../../src/adapters/prisma/prisma-bypass.store.js';
import { DetectBypass } from '../../src/app/detect-bypass.js';
import { FollowAuditFile } from '../../src/app/follow-audit-file.js';
import { ACCOUNT, recordedEntry } from '../support/audit.entries.js';
import { LogLab } from '../support/log.lab.js';

let lab: LogLab;
let folder: string;
let path: string;
beforeEach(async () => {
  lab = await LogLab.start();
  folder = await mkdtemp(join(tmpdir(), 'hallpass-audit-'));
  path = join(folder, 'audit.log');
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A reader that knows nothing but what is in the database, and how many entries it read. */
function reader() {
  const bypasses = new PrismaBypassStore(lab.database);
  const detect = new DetectBypass({
    store: { find: () => Promise.resolve(undefined) },
    bypasses,
    clock: { now: () => new Date() },
    journal: lab.journal,
    replica: 'test',
  });
  let read = 0;
  const take = detect.take.bind(detect);
  detect.take = async (cluster, entries) => {
    read += entries.length;
    return await take(cluster, entries);
  };
  const cluster = { name: 'sandbox', account: ACCOUNT };
  const files = new LocalAuditFiles();
  const follow = new FollowAuditFile({
    cluster,
    path,
    files,
    bypasses,
    detect,
    journal: lab.journal,
  });
  return { follow, read: () => read };
}

const line = () => `${JSON.stringify(recordedEntry('patch/created.json'))}\n`;
const found = () => lab.count(`audit_events WHERE action = 'bypass.found'`);

describe('the reader of log files', () => {
  test('reads what is there and what comes, whole lines alone, and nothing twice', async () => {
    const { follow, read } = reader();
    await follow.once();
    await writeFile(path, line() + line());
    await follow.once();
    const next = line();
    await appendFile(path, next.slice(0, 100));
    await follow.once();
    expect(read()).toBe(2);
    await appendFile(path, next.slice(100));
    await follow.once();
    await follow.once();
    expect([read(), await found()]).toEqual([3, 3]);
  });

  test('goes on after a restart where it was, through the files that were rotated meanwhile', async () => {
    await writeFile(path, line() + line());
    await reader().follow.once();
    await appendFile(path, line());
    await rename(path, join(folder, 'audit-2026-11-28T10-00-00.000.log'));
    await writeFile(path, line());
    await rename(path, join(folder, 'audit-2026-11-28T11-00-00.000.log'));
    await writeFile(path, line());
    await writeFile(join(folder, 'other.log'), line());
    const { follow, read } = reader();
    await follow.once();
    expect([read(), await found()]).toEqual([3, 5]);
  });

  test('reads on behind lines that are no JSON, long ones, and after the file was emptied', async () => {
    const long = recordedEntry('patch/created.json', { userAgent: 'x'.repeat(3_000_000) });
    await writeFile(path, `${line()}not json\n${JSON.stringify(long)}\n${line()}`);
    const { follow } = reader();
    await follow.once();
    expect(await found()).toBe(3);
    await writeFile(path, line());
    await follow.once();
    expect(await found()).toBe(4);
  });

  test('reads again what could not be written', async () => {
    await writeFile(path, line());
    await lab.asInsider('ALTER TABLE kubernetes_calls RENAME TO away');
    await expect(reader().follow.once()).rejects.toThrow(/kubernetes_calls/);
    await lab.asInsider('ALTER TABLE away RENAME TO kubernetes_calls');
    await reader().follow.once();
    expect(await found()).toBe(1);
  });

  test('sees what comes while it runs', async () => {
    const { follow } = reader();
    follow.start();
    await writeFile(path, line());
    await expect.poll(found, { timeout: 10_000 }).toBe(1);
    await follow.stop();
  });
});
