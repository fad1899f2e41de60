import { describe, expect, test } from 'vitest';
import { copyOf, isRecordedByFiles } from './copy.command.js';

describe('a command', () => {
  test.each([
    // As kubectl 1.30 to 1.36 send them.
    ['tar cf - /tmp/f.txt', 'download'],
    ['tar -xmf - -C /tmp', 'upload'],
    ['tar xmf -', 'upload'],
    ['tar --no-same-permissions --no-same-owner -xmf - -C /tmp', 'upload'],
    ['/bin/tar --create --file - /tmp', 'download'],
  ])('%s is a copy, a %s', (command, direction) => {
    expect(copyOf(command.split(' '))).toBe(direction);
  });

  test('of kubectl cp --retries is a copy out, and a script that does something else as well is none', () => {
    expect(copyOf(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+0'])).toBe('download');
    expect(copyOf(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+4096'])).toBe('download');
    expect(copyOf(['sh', '-c', 'tar cf - /x; id | tail -c+0'])).toBeUndefined();
    expect(copyOf(['sh', '-c', 'tar cf - $(id) | tail -c+0'])).toBeUndefined();
  });

  test.each([
    'test -d /tmp/f.txt',
    'sh',
    'tar --version',
    'tar tf -',
    'tar cf /tmp/x /etc',
    'star cf - x',
    '',
  ])('%s is none', (command) => {
    expect(copyOf(command.split(' '))).toBeUndefined();
  });
});

const words = (line: string) => line.split(' ');
const byFiles = (command: readonly string[], stdin: boolean) =>
  isRecordedByFiles({ command, stdin });

describe('a copy is recorded by its files', () => {
  test.each(['tar cf - /tmp/f.txt', 'tar cf - f'])('as kubectl makes it: %s', (line) => {
    expect(byFiles(words(line), false)).toBe(true);
  });

  test.each([
    'tar -xmf - -C /tmp',
    'tar -xmf -',
    'tar --no-same-permissions --no-same-owner -xmf - -C /tmp',
  ])('as kubectl makes it: %s', (line) => {
    expect(byFiles(words(line), true)).toBe(true);
  });

  test('also where kubectl cp --retries begins, and not where it goes on in the middle of an archive', () => {
    expect(byFiles(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+0'], false)).toBe(true);
    expect(byFiles(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+1'], false)).toBe(true);
    expect(byFiles(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+4096'], false)).toBe(false);
  });

  test('and one out of the container that takes input is not: that would be a shell', () => {
    expect(byFiles(words('tar cf - /tmp/f.txt'), true)).toBe(false);
    expect(byFiles(['sh', '-c', 'tar cf - /tmp/f.txt | tail -c+0'], true)).toBe(false);
  });

  test.each([
    ['/tmp/tar', 'cf', '-', '/tmp/f.txt'],
    ['./tar', '-xmf', '-', '-C', '/tmp'],
    ['tar', 'cf', '-'],
    ['tar', 'cf', '-', '-I/tmp/program'],
    ['tar', 'cf', '-', '/etc', '--checkpoint-action=exec=sh'],
    ['tar', 'czf', '-', '/etc'],
    ['tar', '-xmf', '-', '--to-command=sh'],
    ['/tmp/sh', '-c', 'tar cf - x | tail -c+1'],
    ['tar', '-c', 'tar cf - x | tail -c+1'],
    ['sh', '-c', 'tar cf - -I/tmp/program x | tail -c+1'],
    ['sh', '-c', 'tar cf - x -I/tmp/program | tail -c+1'],
    ['cat', '/etc/hostname'],
  ])('and %s %s %s is none of kubectl’s', (...command) => {
    expect(byFiles(command, false)).toBe(false);
  });
});
