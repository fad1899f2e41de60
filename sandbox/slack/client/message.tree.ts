import type { ShownMessage } from '../slack.state.js';
import { blockTree } from './block.tree.js';
import { mrkdwnTree } from './mrkdwn.tree.js';
import type { Leaf } from './tree.js';
import { branch } from './tree.js';

/** A message as Slack shows it: who, when, its blocks, or its text where it has none; and what is in its thread. */
export function messageTree(message: ShownMessage): Leaf[] {
  const { ts, by, text, blocks, isEdited, onlyFor, thread } = message;
  return [
    ...(onlyFor === null
      ? []
      : [branch('small', [`Only ${onlyFor} sees this`], { kind: 'alone' })]),
    branch('p', [
      branch('b', [by]),
      branch('small', [` ${clock(ts)}`]),
      ...(isEdited ? [branch('small', [' (changed)'])] : []),
    ]),
    ...(blocks.length > 0 ? blocks.flatMap(blockTree) : [branch('p', mrkdwnTree(text))]),
    ...(thread.length === 0
      ? []
      : [
          branch(
            'div',
            thread.map((one) => branch('div', messageTree(one), { kind: 'reply' })),
            { kind: 'thread' },
          ),
        ]),
  ];
}

function clock(ts: string): string {
  return new Date(Number(ts.split('.')[0]) * 1000).toLocaleTimeString('en-GB');
}
