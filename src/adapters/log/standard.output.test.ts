import { closeSync, openSync, writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeLogger } from './pino.journal.js';
import { StandardOutput } from './standard.output.js';

/** A disk that takes so many bytes, and more when there is room again. */
function disk(bytes: number) {
  const it = {
    room: bytes,
    text: '',
    output: new StandardOutput((some) => {
      if (it.room === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      const taken = some.subarray(0, it.room);
      it.room -= taken.length;
      it.text += Buffer.from(taken).toString();
      return taken.length;
    }),
  };
  return it;
}

test.each(['json', 'pretty'] as const)(
  'a log that is written to a full disk ends nothing, as %s',
  (format) => {
    const full = openSync('/dev/full', 'w');
    try {
      const output = new StandardOutput((bytes) => writeSync(full, bytes));
      const logger = makeLogger({ level: 'info', format }, undefined, output);
      expect(() => {
        logger.info('one');
        logger.fatal({ err: new Error('bad') }, 'two');
      }).not.toThrow();
    } finally {
      closeSync(full);
    }
  },
);

test('how many lines were lost is told once, when one can be written again', () => {
  const it = disk(0);
  const told: number[] = [];
  it.output.onWayBack((lines) => {
    told.push(lines);
    it.output.write('told\n');
  });
  for (const line of ['one\n', 'two\n', 'three\n']) it.output.write(line);
  expect([told, it.text]).toEqual([[], '']);
  // Enough for a line, not for what is to be told of those before: that is told with the next.
  it.room = 'four\n'.length;
  it.output.write('four\n');
  expect(told).toEqual([3]);
  it.room = 1_000;
  it.output.write('five\n');
  it.output.write('six\n');
  expect(told).toEqual([3, 4]);
  expect(it.text).toBe('four\nfive\ntold\nsix\n');
});

test('a line that was cut off spoils no other', () => {
  const it = disk('one\ntw'.length);
  it.output.write('one\n');
  it.output.write('two\n');
  it.output.write('three\n');
  it.room = 1_000;
  it.output.write('four\n');
  expect(it.text).toBe('one\ntw\nfour\n');
});

test('whoever reads slowly is waited for, and whoever has stopped no longer than once', () => {
  let turns = 0;
  let text = '';
  let busyFor = 3;
  const output = new StandardOutput((some) => {
    turns += 1;
    if (busyFor-- > 0) throw Object.assign(new Error('busy'), { code: 'EAGAIN' });
    text += Buffer.from(some).toString();
    return some.length;
  });
  output.write('one\n');
  expect(text).toBe('one\n');
  busyFor = Infinity;
  output.write('two\n');
  turns = 0;
  output.write('three\n');
  expect(turns).toBe(1);
});
