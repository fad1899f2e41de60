import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computedMs } from '../../../test/support/own.time.js';
import { castEvent, castHeader, linesOf, pauseMs } from './cast.events.js';

test('the header is no event, and an event no header', () => {
  const header = '{"version":3,"term":{"cols":80,"rows":24},"title":"a session"}';
  expect([castEvent(header), castHeader(header)]).toEqual([
    undefined,
    { title: 'a session', size: '80x24', hadTerminal: true },
  ]);
  const event = '[0.250,"o","hi\\r\\n"]';
  expect([castEvent(event), castHeader(event)]).toEqual([
    { afterMs: 250, code: 'o', data: 'hi\r\n' },
    undefined,
  ]);
  for (const none of ['', '# comment', '[1]', '[', '["1","o","x"]']) {
    expect(castEvent(none)).toBeUndefined();
  }
});

test('nothing happens for no longer than the idle limit, and all of it as much faster as wanted', () => {
  const event = { afterMs: 60_000, code: 'o', data: '' };
  expect(pauseMs(event, { speed: 1, idleSecondsMax: 5 })).toBe(5_000);
  expect(pauseMs(event, { speed: 4, idleSecondsMax: 100 })).toBe(15_000);
});

test('lines are the same however the bytes are cut, characters of several bytes among them', async () => {
  const text = 'añ→\n😀 two\n\nlast';
  const bytes = Buffer.from(text);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 7 }), async (size) => {
      async function* parts() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const lines: string[] = [];
      for await (const line of linesOf(parts())) lines.push(line);
      expect(lines).toEqual(text.split('\n'));
    }),
  );
});

test('a line of many megabytes costs no more than many lines do', async () => {
  const part = Buffer.alloc(1024, 'x');
  const msOf = async (last: string): Promise<number> => {
    async function* parts() {
      for (let count = 0; count < 4_000; count++) {
        yield part;
        yield Buffer.from(last);
      }
    }
    const began = computedMs();
    let characters = 0;
    for await (const line of linesOf(parts())) characters += line.length;
    expect(characters).toBeGreaterThanOrEqual(4_000 * 1024);
    return computedMs() - began;
  };
  const many = await msOf('\n');
  expect(await msOf('y')).toBeLessThan(many * 10 + 1_000);
});
