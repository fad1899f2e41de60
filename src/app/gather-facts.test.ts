import { describe, expect, test } from 'vitest';
import { ROBIN, actorOf } from '../../test/support/sessions.js';
import { requesterFacts } from './gather-facts.js';

describe('how long ago somebody signed in', () => {
  const now = new Date('2026-11-28T12:00:00Z');
  const ageAfter = (seconds: number | undefined): number | null =>
    requesterFacts(
      {
        actor: {
          ...actorOf(ROBIN),
          signIn: seconds === undefined ? {} : { authTime: now.getTime() / 1000 - seconds },
        },
        roles: [],
      },
      now,
    ).authAgeSeconds;

  test.each([
    ['a minute ago', 60, 60],
    ['just now, by a clock that runs before ours', -30, 0],
    ['in an hour, which nobody can', -3_600, null],
    ['at a time that the token does not tell', undefined, null],
  ])('%s', (_, ago, age) => {
    expect(ageAfter(ago)).toBe(age);
  });
});
