import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  context,
  fields,
  header,
  quote,
  section,
} from '../../../src/adapters/slack/slack.blocks.js';
import { code, escaped, literal, shown } from '../../../src/adapters/slack/slack.text.js';
import { blockTree } from './block.tree.js';
import { formTree } from './form.tree.js';
import { messageTree } from './message.tree.js';
import { mrkdwnTree } from './mrkdwn.tree.js';
import type { Branch, Leaf } from './tree.js';
import { link, textIn } from './tree.js';

const hostile = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'<>!&|`*~:@#^/"\'javascript') }),
  fc.constantFrom(
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<!channel> <@U000000001> <https://evil.example|https://bank.example>',
    '<javascript:alert(1)|here>',
    '&lt;b&gt; &amp;amp;',
  ),
);

function branchesIn(leaf: Leaf): Branch[] {
  return typeof leaf === 'string' ? [] : [leaf, ...leaf.children.flatMap(branchesIn)];
}

const textOf = (leaves: readonly Leaf[]): string => leaves.map(textIn).join('');

test('what somebody wrote is shown as they wrote it, and is nothing but text', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const block of [quote(text), header(text)]) {
        const [tree] = blockTree(block) as [Branch];
        expect(textIn(tree)).toBe(literal(text, block.type === 'header' ? 150 : 2_800));
        expect(branchesIn(tree)).toEqual([tree]);
      }
    }),
  );
});

test('what was escaped reads as it was written, links nowhere and mentions nobody', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const line = text.replaceAll(/[*~`:]/g, '');
      for (const block of [section(escaped(line, 2_000)), context(escaped(line, 2_000))]) {
        const leaves = blockTree(block);
        expect(textOf(leaves)).toBe(shown(line) || '–');
        const parts = leaves.flatMap(branchesIn);
        expect(parts.filter(({ tag, kind }) => tag === 'a' || kind === 'mention')).toEqual([]);
      }
    }),
  );
});

test('a name as code is one piece of code, whatever it is', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const leaves = mrkdwnTree(code(text));
      expect(leaves).toMatchObject([{ tag: 'code', children: [expect.any(String) as string] }]);
    }),
  );
});

test('of any blocks at all a tree is made that opens nothing but pages', () => {
  const block = fc.record(
    {
      type: fc.constantFrom('section', 'header', 'context', 'rich_text', 'actions', 'input', 'x'),
      text: fc.anything(),
      fields: fc.anything(),
      element: fc.anything(),
      elements: fc.oneof(
        fc.anything(),
        fc.array(fc.record({ type: hostile, text: fc.anything(), url: hostile, style: hostile })),
      ),
    },
    { requiredKeys: ['type'] },
  );
  fc.assert(
    fc.property(fc.array(block), hostile, (blocks, text) => {
      const message = { ts: '1.0', by: text, text, isEdited: true, onlyFor: text, thread: [] };
      const view = { person: 'robin', revision: 0, id: 'V1', submit: text, close: text };
      const leaves = [
        ...messageTree({ ...message, blocks }),
        ...formTree({ ...view, title: text, blocks, errors: {} }),
      ];
      for (const { href } of leaves.flatMap(branchesIn)) {
        if (href !== null) expect(href).toMatch(/^https?:\/\//);
      }
    }),
  );
});

test.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '//x', 'nothing', ''])(
  '%j is no link',
  (address) => {
    expect(link(address, ['here'])).toMatchObject({ tag: 'span', href: null });
  },
);

test('marks, links, instants and emoji are shown as Slack shows them', () => {
  const leaves = mrkdwnTree(
    ':no_entry: *Refused* by `a &amp; b`, ~not~ <https://hallpass.example.com/x?a=1&amp;b=2|here> ' +
      '<!date^1772618400^{date_short_pretty} {time}|later> <!channel> 2*3*4 :no_such:',
  );
  const parts = leaves.flatMap(branchesIn);
  expect(parts.map(({ tag, children }) => [tag, ...children])).toMatchObject([
    ['span', '⛔'],
    ['b', 'Refused'],
    ['code', 'a & b'],
    ['s', 'not'],
    ['a', 'here'],
    ['time', expect.stringMatching(/Mar/) as string],
    ['span', '@channel'],
  ]);
  expect(parts.find(({ tag }) => tag === 'a')?.href).toBe('https://hallpass.example.com/x?a=1&b=2');
  expect(textOf(leaves)).toContain('2*3*4 :no_such:');
});

test('fields stand side by side, each with its label', () => {
  const [grid] = blockTree(fields([['Who', '`robin`']])) as [Branch];
  expect(grid.kind).toBe('fields');
  expect(textIn(grid)).toBe('Who\nrobin');
});
