import { describe, expect, test } from 'vitest';
import { ALEX, ROBIN, grantOf, newSession } from '../../../test/support/sessions.js';
import { requirement } from '../../../test/support/policies.js';
import { WORDS_MAX, weigh } from './weighing.js';

describe('a session on which as much was said as may be', () => {
  const session = newSession({ grant: grantOf('hash', requirement(1, 'payments-leads')) });
  const words = Array.from({ length: WORDS_MAX }, (_, at) => ({
    person: ALEX,
    verdict: at % 2 === 0 ? ('approve' as const) : ('retract' as const),
  }));
  const said = (verdict: 'approve' | 'deny' | 'retract', so_far = words) =>
    weigh({ verdict }, { session, person: ALEX, requester: ROBIN, words: so_far });

  test('takes no more consents, and can still be denied', () => {
    expect(said('approve')).toMatchObject({ problem: 'illegal-transition' });
    expect(said('retract')).toMatchObject({ problem: 'illegal-transition' });
    expect(said('deny')).toMatchObject({ event: 'deny' });
  });

  test('took them one word before', () => {
    expect(said('approve', words.slice(2))).toMatchObject({ event: 'approve' });
  });
});
