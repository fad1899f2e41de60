import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Selector } from './policy.js';
import { SELECTOR_OPERATORS } from './policy.js';
import { selects, selectorText } from './selector.js';

const one = (operator: Selector[number]['operator'], ...values: string[]): Selector => [
  { key: 'tier', operator, values },
];

// As `kubectl get -l` answers: Kubernetes, apimachinery labels.Requirement.Matches.
test.each<[string, Selector, Record<string, string>, boolean]>([
  ['In, of its values', one('In', 'a', 'b'), { tier: 'b' }, true],
  ['In, of others', one('In', 'a', 'b'), { tier: 'c' }, false],
  ['In, without the label', one('In', 'a'), {}, false],
  ['NotIn, of its values', one('NotIn', 'a'), { tier: 'a' }, false],
  ['NotIn, of others', one('NotIn', 'a'), { tier: 'b' }, true],
  ['NotIn, without the label', one('NotIn', 'a'), {}, true],
  ['Exists', one('Exists'), { tier: '' }, true],
  ['Exists, without the label', one('Exists'), { other: 'a' }, false],
  ['DoesNotExist', one('DoesNotExist'), { tier: 'a' }, false],
  ['DoesNotExist, without the label', one('DoesNotExist'), {}, true],
  ['the empty value', one('In', ''), { tier: '' }, true],
  ['nothing', [], { tier: 'a' }, true],
])('a selector by %s reads labels as Kubernetes does', (_, selector, labels, holds) => {
  expect(selects(selector, labels)).toBe(holds);
});

test('all of its requirements must hold', () => {
  const selector = [...one('In', 'a'), { key: 'team', operator: 'Exists' as const, values: [] }];
  expect(selects(selector, { tier: 'a', team: 'x' })).toBe(true);
  expect(selects(selector, { tier: 'a' })).toBe(false);
});

test('a label is not there because objects of JavaScript inherit its name', () => {
  const selector = [{ key: 'constructor', operator: 'Exists' as const, values: [] }];
  expect(selects(selector, {})).toBe(false);
});

test('is told as on a command line', () => {
  expect(selectorText([...one('In', 'a', 'b'), ...one('NotIn', 'c')])).toBe(
    'tier in (a, b), tier notin (c)',
  );
  expect(selectorText([...one('Exists'), ...one('DoesNotExist')])).toBe('tier, !tier');
});

test('each operator and its opposite never agree', () => {
  const opposite = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' };
  const labels = fc.dictionary(fc.constantFrom('tier', 'team'), fc.constantFrom('a', 'b', ''));
  const values = fc.subarray(['a', 'b', ''], { minLength: 1 });
  fc.assert(
    fc.property(labels, fc.constantFrom(...SELECTOR_OPERATORS), values, (its, operator, those) => {
      const other = SELECTOR_OPERATORS.find((it) => it === opposite[operator]);
      expect(selects(one(operator, ...those), its)).not.toBe(
        selects(one(other ?? operator, ...those), its),
      );
    }),
  );
});
