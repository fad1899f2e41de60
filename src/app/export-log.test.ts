import { describe, expect, test } from 'vitest';
import { MemoryWritableFiles, logFilesOf } from '../../test/support/log.files.js';
import { signerNamed } from '../../test/support/log.lab.js';
import { canonicalJson } from '../domain/audit/canonical.js';
import { leafHashOf } from '../domain/audit/merkle.tree.js';
import { tilePath } from '../domain/audit/tlog.tiles.js';
import { exportLog } from './export-log.js';

const signer = signerNamed();
const START = Date.parse('2026-03-01T00:00:00Z');
const DAY_MS = 86_400_000;

function body(at: number, over: object = {}): Buffer {
  const time = new Date(START + at * 1000).toISOString();
  return Buffer.from(canonicalJson({ id: `event-${at}`, time, action: 'test.happened', ...over }));
}

/** Two bundles and a few more; the first ten bodies are gone, and an event tells of it. */
function logTold(at: number) {
  const told = body(at, {
    time: new Date(START + 90 * DAY_MS).toISOString(),
    action: 'audit.dropped',
    data: { places: [[0, 9]], count: 10, cutoff: new Date(START + DAY_MS).toISOString() },
  });
  const all = Array.from({ length: 600 }, (_, n) => (n === at ? told : body(n)));
  const left = all.map((it, n) => (n < 10 ? Buffer.alloc(0) : it));
  return logFilesOf({ bodies: left, leaves: all.map(leafHashOf), signer });
}

/** @returns how often a checkpoint was asked for. */
async function taken(log: ReturnType<typeof logTold>, to: MemoryWritableFiles): Promise<number> {
  let rounds = 0;
  await exportLog({
    to,
    pauseMs: 1,
    source: (path) => {
      if (path === 'checkpoint') rounds += 1;
      return log.read(path);
    },
  });
  return rounds;
}

describe('a log whose bodies were dropped is taken out', () => {
  test('at once where an event tells of it', async () => {
    expect(await taken(logTold(300), new MemoryWritableFiles())).toBe(1);
  });

  test('at once where that event is in the folder from before', async () => {
    const log = logTold(300);
    const to = new MemoryWritableFiles();
    const path = tilePath('entries', 1, 256);
    await to.write(path, (await log.read(path)) ?? Buffer.alloc(0));
    expect(await taken(log, to)).toBe(1);
  });

  test('after a while where the event of it comes from nowhere, for whoever verifies it to say so', async () => {
    expect(await taken(logTold(5), new MemoryWritableFiles())).toBe(10);
  });
});
