import fc from 'fast-check';
import { expect, test } from 'vitest';
import { samePerson } from '../person.js';
import { standing } from './session.js';

const accounts = fc
  .record({
    sub: fc.constantFrom('a', 'b', 'c', 'human:x'),
    human: fc.constantFrom(undefined, 'x', 'y', '["i","a"]'),
  })
  .map(({ sub, human }) => ({
    iss: 'i',
    sub,
    groups: [],
    ...(human === undefined ? {} : { human }),
  }));
const words = fc.array(
  fc.record({ person: accounts, verdict: fc.constantFrom('approve', 'deny', 'retract') }),
  { maxLength: 12 },
);

test('consents stand until one of the same human’s accounts takes them back', () => {
  fc.assert(
    fc.property(words, (said) => {
      const slowly = said.filter(
        ({ person, verdict }, at) =>
          verdict === 'approve' &&
          !said
            .slice(at + 1)
            .some((later) => later.verdict === 'retract' && samePerson(later.person, person)),
      );
      expect(standing(said)).toEqual(slowly);
    }),
  );
});
