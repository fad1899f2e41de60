import { expect, test } from 'vitest';
import { MemoryLogFiles, logFilesOf } from '../../test/support/log.files.js';
import { signerNamed } from '../../test/support/log.lab.js';
import { LOG_FORMATS } from '../domain/audit/log.formats.js';
import { leafHashOf } from '../domain/audit/merkle.tree.js';
import { tilePath } from '../domain/audit/tlog.tiles.js';
import { formatLog } from './format-log.js';

const signer = signerNamed();
const bodies = Array.from({ length: 600 }, (_, at) =>
  Buffer.from(JSON.stringify({ action: 'audit.read', id: `event-${at}` })),
);

async function told(files: MemoryLogFiles, format: keyof typeof LOG_FORMATS) {
  const parts: string[] = [];
  const formatted = await formatLog({
    files,
    format: LOG_FORMATS[format],
    write: async (text) => void parts.push(text),
  });
  return { ...formatted, text: parts.join('') };
}

test('tells all events of a log, in their order', async () => {
  const { text, events, dropped } = await told(logFilesOf({ bodies, signer }), 'jsonl');
  expect(text).toBe(bodies.map((body) => `${body.toString()}\n`).join(''));
  expect({ events, dropped }).toEqual({ events: 600, dropped: 0 });
});

test('counts those whose bodies were dropped, and keeps the places of the others', async () => {
  const some = bodies.map((body, at) => (at === 300 ? Buffer.alloc(0) : body));
  const files = logFilesOf({ bodies: some, leaves: bodies.map(leafHashOf), signer });
  const { text, events, dropped } = await told(files, 'csv');
  const lines = text.split('\r\n');
  expect(lines[0]).toMatch(/^place,time,/);
  expect(lines[301]).toMatch(/^301,/);
  expect({ events, dropped }).toEqual({ events: 599, dropped: 1 });
});

test('refuses a log that is not whole', async () => {
  const files = logFilesOf({ bodies, signer });
  files.files.delete(tilePath('entries', 1, 256));
  await expect(told(files, 'ecs')).rejects.toThrow('is missing');
  await expect(told(new MemoryLogFiles(), 'ecs')).rejects.toThrow('no checkpoint');
});
