import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from './command.expansion.js';

describe('expansion in commands', () => {
  it.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$(B)', '$(B)'],
    ['$(A', '$(A'],
    ['$A', '$A'],
    ['price: 5$', 'price: 5$'],
    ['echo $$; $(A)$(A)', 'echo $; 11'],
  ])('%s becomes %s', (text, expanded) => {
    expect(expand(text, { A: '1' })).toBe(expanded);
  });

  it('leaves text without a dollar alone', () => {
    const noDollar = fc.string().filter((text) => !text.includes('$'));
    fc.assert(
      fc.property(noDollar, (text) => {
        expect(expand(text, {})).toBe(text);
      }),
    );
  });
});
