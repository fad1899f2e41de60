import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { exitCodeOf } from './container.streams.js';
import { readStatus } from './status.schema.js';

const RECORDINGS = new URL('../../../test/kubernetes-1.36/stream/', import.meta.url);
const Recording = z.object({
  frames: z
    .array(z.looseObject({ channel: z.number().optional(), text: z.string().optional() }))
    .default([]),
});

/** The exit code of each recorded stream that has a Status; `undefined`: it never ran, or did not end by itself. */
const CODES: Readonly<Record<string, number | undefined>> = {
  'attach-tty-exit.json': 0,
  'exec-command-not-found.json': undefined,
  'exec-exit-zero.json': 0,
  'exec-kill-main.json': 0,
  'exec-no-command.json': undefined,
  'exec-no-tty.json': 5,
  'exec-tty.json': 3,
  'exec-v4.json': 2,
  'exec-when-pod-deleted.json': 137,
};

function recordedStatus(file: string): string | undefined {
  const { frames } = Recording.parse(JSON.parse(readFileSync(new URL(file, RECORDINGS), 'utf8')));
  return frames.find(({ channel }) => channel === 3)?.text;
}

describe('the Status at the end of a stream', () => {
  it('is one of those known here', () => {
    expect(
      readdirSync(RECORDINGS)
        .filter((file) => recordedStatus(file) !== undefined)
        .sort(),
    ).toEqual(Object.keys(CODES));
  });

  it.each(Object.entries(CODES))('%s tells %s', (file, code) => {
    expect(exitCodeOf(readStatus(recordedStatus(file) ?? ''))).toBe(code);
  });

  it.each([
    '',
    'null',
    '{}',
    '{"status":"Failure","reason":"NonZeroExitCode"}',
    '{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7x"}]}}',
  ])('tells no code where there is none: %s', (body) => {
    expect(exitCodeOf(readStatus(body))).toBeUndefined();
  });
});
