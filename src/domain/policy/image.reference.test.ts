import { describe, expect, test } from 'vitest';
import { isImage } from './image.reference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('who asks for an image', () => {
  test.each([
    ['busybox', 'busybox:1'],
    ['busybox', `docker.io/library/busybox@${DIGEST}`],
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['index.docker.io/library/busybox:1', 'busybox:1'],
    ['me/tools:2', `docker.io/me/tools:2@${DIGEST}`],
    [`registry.example:5000/tools@${DIGEST}`, `registry.example:5000/tools:2@${DIGEST}`],
    ['registry.example:5000/tools', 'registry.example:5000/tools:2'],
    ['localhost/tools', 'localhost/tools:1'],
  ])('as %s gets it with %s', (asked, offered) => {
    expect(isImage(asked, offered)).toBe(true);
  });

  test.each([
    ['busybox:2', 'busybox:1'],
    ['busybox:1', `busybox@${DIGEST}`],
    [`busybox@sha256:${'b'.repeat(64)}`, `busybox@${DIGEST}`],
    [`busybox@${DIGEST}`, 'busybox:1'],
    ['busybox', 'me/busybox'],
    ['registry.example/busybox', 'busybox'],
    ['', 'busybox'],
  ])('as %s does not get it with %s', (asked, offered) => {
    expect(isImage(asked, offered)).toBe(false);
  });
});
