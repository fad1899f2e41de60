import { describe, expect, test } from 'vitest';
import { copyOf } from './copy.command.js';

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
