import type { ShownView } from '../slack.state.js';
import { at, blockTree, listAt, wordAt } from './block.tree.js';
import type { Branch, Leaf } from './tree.js';
import { branch } from './tree.js';

/** A modal as Slack shows it: its inputs by the name of their block, and what is wrong beside each. */
export function formTree({ title, submit, close, blocks, errors }: ShownView): Leaf[] {
  return [
    branch('h3', [title]),
    ...blocks.flatMap((block) =>
      block.type === 'input'
        ? inputTree(block, errors[wordAt(block, 'block_id')])
        : blockTree(block),
    ),
    branch(
      'div',
      [
        branch('button', [close], { type: 'button', 'data-action': 'close' }),
        ...(submit === null
          ? []
          : [branch('button', [submit], { kind: 'primary', type: 'submit' })]),
      ],
      { kind: 'actions' },
    ),
  ];
}

function inputTree(block: unknown, error: string | undefined): Leaf[] {
  const isOptional = at(block, 'optional') === true;
  const isTold = at(block, 'dispatch_action') === true;
  const name = wordAt(block, 'block_id');
  const element = at(block, 'element');
  const label = wordAt(at(block, 'label'), 'text');
  return [
    branch('label', [
      branch('b', [label]),
      ...(isOptional ? [branch('small', [' (optional)'])] : []),
      ...elementTree(element, name, isOptional).map((it) => (isTold ? toldOf(it) : it)),
      ...(error === undefined ? [] : [branch('span', [error], { kind: 'error' })]),
    ]),
  ];
}

/** The broker is told as soon as somebody leaves it. */
function toldOf(field: Branch): Branch {
  return { ...field, attributes: { ...field.attributes, 'data-told': '' } };
}

function elementTree(element: unknown, name: string, isOptional: boolean): Branch[] {
  const needed = isOptional ? {} : { required: '' };
  const initial = wordAt(element, 'initial_value');
  switch (wordAt(element, 'type')) {
    case 'plain_text_input': {
      const maxlength = String(Number(at(element, 'max_length') ?? 3_000));
      return at(element, 'multiline') === true
        ? [branch('textarea', [initial], { name, maxlength, rows: '3', ...needed })]
        : [branch('input', [], { name, maxlength, type: 'text', value: initial, ...needed })];
    }
    case 'static_select':
      return [branch('select', listAt(element, 'options').map(optionTree(element)), { name })];
    case 'external_select':
      return searchTree(element, name, needed);
    case 'checkboxes':
      return listAt(element, 'options').map((option) =>
        branch(
          'span',
          [
            branch('input', [], { name, type: 'checkbox', value: wordAt(option, 'value') }),
            wordAt(at(option, 'text'), 'text'),
          ],
          { kind: 'tick' },
        ),
      );
    default:
      return [];
  }
}

/** What is searched is typed in one field; what was chosen is in another, which nobody sees, under the block's name. */
function searchTree(element: unknown, name: string, needed: Branch['attributes']): Branch[] {
  const chosen = at(element, 'initial_option');
  return [
    branch('input', [], {
      'data-block': name,
      type: 'text',
      placeholder: wordAt(at(element, 'placeholder'), 'text'),
      value: wordAt(at(chosen, 'text'), 'text'),
      ...needed,
    }),
    branch('input', [], { name, type: 'hidden', value: wordAt(chosen, 'value') }),
    branch('span', [], { 'data-list': name }),
  ];
}

function optionTree(element: unknown) {
  const chosen = wordAt(at(element, 'initial_option'), 'value');
  return (option: unknown): Branch => {
    const value = wordAt(option, 'value');
    const isChosen = value === chosen ? { selected: '' } : {};
    return branch('option', [wordAt(at(option, 'text'), 'text')], { value, ...isChosen });
  };
}
