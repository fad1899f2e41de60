import type { SlackBlock } from '../../app/ports/slack.api.js';
import { literal } from './slack.text.js';

/** The kinds of blocks that messages are made of. Whatever goes into `mrkdwn` is escaped by whoever puts it there. */

export function header(text: string): SlackBlock {
  return { type: 'header', text: { type: 'plain_text', text: literal(text, 150), emoji: false } };
}

export function section(mrkdwn: string): SlackBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: mrkdwn, verbatim: true } };
}

/** Ten at most. */
export function fields(pairs: readonly (readonly [label: string, mrkdwn: string])[]): SlackBlock {
  return {
    type: 'section',
    fields: pairs.slice(0, 10).map(([label, mrkdwn]) => ({
      type: 'mrkdwn',
      text: `*${label}*\n${mrkdwn}`,
      verbatim: true,
    })),
  };
}

export function context(...mrkdwn: readonly string[]): SlackBlock {
  return {
    type: 'context',
    elements: mrkdwn.slice(0, 10).map((text) => ({ type: 'mrkdwn', text, verbatim: true })),
  };
}

/** What somebody wrote, as they wrote it: in rich text nothing is parsed, neither links nor mentions nor marks. */
export function quote(text: string): SlackBlock {
  return {
    type: 'rich_text',
    elements: [
      {
        type: 'rich_text_quote',
        elements: [{ type: 'text', text: literal(text, 2_800) }],
      },
    ],
  };
}

/** A command to be copied. */
export function command(text: string): SlackBlock {
  return {
    type: 'rich_text',
    elements: [
      { type: 'rich_text_preformatted', elements: [{ type: 'text', text: literal(text, 1_000) }] },
    ],
  };
}

export interface Button {
  readonly action: string;
  readonly text: string;
  readonly value?: string;
  readonly url?: string;
  readonly style?: 'primary' | 'danger';
  /** What is asked before it is done: a title, a sentence, and what the button that does it says. */
  readonly confirm?: readonly [title: string, text: string, does: string];
}

export function actions(...buttons: readonly Button[]): SlackBlock {
  return {
    type: 'actions',
    elements: buttons.map(({ action, text, confirm, ...rest }) => ({
      type: 'button',
      action_id: action,
      text: plain(text),
      ...rest,
      ...(confirm === undefined ? {} : { confirm: question(confirm) }),
    })),
  };
}

const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });

function question([title, text, does]: NonNullable<Button['confirm']>) {
  return {
    title: plain(title),
    text: plain(text),
    confirm: plain(does),
    deny: plain('Cancel'),
    style: 'danger',
  };
}
