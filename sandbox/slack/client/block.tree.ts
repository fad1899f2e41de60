import { mrkdwnTree } from './mrkdwn.tree.js';
import type { Leaf } from './tree.js';
import { branch, link } from './tree.js';

/** As much of Block Kit as Hallpass writes, as Slack shows it. What is not known is left out. */
export function blockTree(block: unknown): Leaf[] {
  const tree = KINDS[wordAt(block, 'type')];
  return tree ? tree(block) : [];
}

const KINDS: Readonly<Partial<Record<string, (block: unknown) => Leaf[]>>> = {
  header: (block) => [branch('h3', [wordAt(at(block, 'text'), 'text')])],
  section: (block) => {
    const text = at(block, 'text');
    return [
      ...(text === undefined ? [] : [branch('p', textTree(text))]),
      ...fieldsTree(listAt(block, 'fields')),
    ];
  },
  context: (block) => [
    branch('div', listAt(block, 'elements').flatMap(textTree), { kind: 'context' }),
  ],
  rich_text: (block) => listAt(block, 'elements').map(richTree),
  actions: (block) => [
    branch('div', listAt(block, 'elements').map(buttonTree), { kind: 'actions' }),
  ],
};

function fieldsTree(fields: readonly unknown[]): Leaf[] {
  if (fields.length === 0) return [];
  return [
    branch(
      'div',
      fields.map((field) => branch('p', textTree(field))),
      { kind: 'fields' },
    ),
  ];
}

function textTree(text: unknown): Leaf[] {
  const words = wordAt(text, 'text');
  return wordAt(text, 'type') === 'mrkdwn' ? mrkdwnTree(words) : [words];
}

/** Rich text has its parts named: nothing in its words is looked at. */
function richTree(part: unknown): Leaf {
  const words = listAt(part, 'elements').map((one) => wordAt(one, 'text'));
  switch (wordAt(part, 'type')) {
    case 'rich_text_quote':
      return branch('blockquote', words);
    case 'rich_text_preformatted':
      return branch('pre', words);
    default:
      return branch('p', words);
  }
}

function buttonTree(button: unknown): Leaf {
  const words = wordAt(at(button, 'text'), 'text');
  const url = wordAt(button, 'url');
  const kind = `button ${wordAt(button, 'style')}`.trim();
  if (url !== '') return link(url, [words], kind);
  return branch('button', [words], {
    kind,
    type: 'button',
    'data-action': wordAt(button, 'action_id'),
    'data-value': wordAt(button, 'value'),
  });
}

export function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, key)?.value
    : undefined;
}

export function wordAt(value: unknown, key: string): string {
  const found = at(value, key);
  return typeof found === 'string' ? found : '';
}

export function listAt(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  return Array.isArray(found) ? found : [];
}
