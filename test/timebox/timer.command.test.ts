import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from '../../sandbox/cluster/command.expansion.js';
import {
  killCommand,
  strengthProbe,
  termCommand,
  timerCommand,
} from '../../src/domain/timebox/timer.js';

const SECONDS = { startByEpochSeconds: 1_800_000_000, durationSeconds: 900 };
const timer = (seconds: Partial<typeof SECONDS> = {}) =>
  timerCommand({ shell: '/bin/sh', ...SECONDS, ...seconds });

const COMMANDS = {
  timerCommand: timer(),
  strengthProbe: strengthProbe('/bin/sh'),
  termCommand: termCommand({ shell: '/bin/sh' }),
  killCommand: killCommand({ shell: '/bin/sh' }),
};

describe.each(Object.entries(COMMANDS))('%s', (_, command) => {
  it('runs the shell it is given, in plain text', () => {
    expect(command.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    for (const word of command) expect(word).toMatch(/^[\x20-\x7e\n]+$/);
  });

  it('stays as it is when the kubelet expands variables in it, whatever variables there are', () => {
    const asked: string[] = [];
    const variables = new Proxy<Record<string, string>>(
      {},
      {
        getOwnPropertyDescriptor(_target, name) {
          asked.push(String(name));
          return undefined;
        },
      },
    );
    expect(command.map((word) => expand(word, variables))).toEqual(command);
    // What it would be asked for are pieces of shell text: nothing of the kind is the name of a variable.
    for (const name of asked) expect(name).not.toMatch(/^[-._a-zA-Z][-._a-zA-Z0-9]*$/);
  });
});

describe('a timer', () => {
  it('is given the seconds as plain digits', () => {
    const epoch = fc.integer({ min: 1, max: 99_999_999_999 });
    const duration = fc.integer({ min: 1, max: 2_000_000 });
    fc.assert(
      fc.property(epoch, duration, (startByEpochSeconds, durationSeconds) => {
        const words = timer({ startByEpochSeconds, durationSeconds });
        expect(words.slice(4, 6)).toEqual([`${startByEpochSeconds}`, `${durationSeconds}`]);
        expect(words[4]).toMatch(/^[1-9]\d{0,10}$/);
      }),
    );
  });

  it('is not made of anything but whole seconds', () => {
    const nonsense = fc.oneof(
      fc.double().filter((value) => !Number.isSafeInteger(value)),
      fc.maxSafeInteger().filter((value) => value < 1 || value > 99_999_999_999),
    );
    const name = fc.constantFrom('startByEpochSeconds', 'durationSeconds');
    fc.assert(
      fc.property(name, nonsense, (seconds, value) => {
        expect(() => timer({ [seconds]: value })).toThrow(RangeError);
      }),
    );
  });

  it('holds for no longer than every shell can', () => {
    expect(() => timer({ durationSeconds: 2_000_001 })).toThrow(RangeError);
  });
});
