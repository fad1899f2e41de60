import type { SlackBlock, SlackView } from '../../app/ports/slack.api.js';
import type { SlackForm } from './slack.payloads.js';
import { section } from './slack.blocks.js';
import { literal } from './slack.text.js';

/** The parts of modals. Each field is alone in a block, and both are called the same. */

const OPTION_VALUE_MAX = 150;

interface Field {
  readonly block: string;
  readonly label: string;
  readonly isOptional?: boolean;
}

const plain = (text: string, max: number) => ({
  type: 'plain_text',
  text: literal(text, max),
  emoji: false,
});

export function modal(args: {
  readonly callback: string;
  readonly title: string;
  readonly submit: string;
  readonly metadata: string;
  readonly blocks: readonly SlackBlock[];
}): SlackView {
  return {
    type: 'modal',
    callback_id: args.callback,
    title: plain(args.title, 24),
    submit: plain(args.submit, 24),
    close: plain('Cancel', 24),
    private_metadata: args.metadata,
    blocks: args.blocks,
  };
}

/** A modal that only says something. `mrkdwn` is escaped by whoever gives it. */
export function closed(...mrkdwn: readonly string[]): SlackView {
  return {
    type: 'modal',
    title: plain('Hallpass', 24),
    close: plain('Close', 24),
    blocks: mrkdwn.slice(0, 20).map(section),
  };
}

export function typed(
  args: Field & {
    readonly max: number;
    readonly initial?: string | undefined;
    readonly isLong?: boolean;
  },
): SlackBlock {
  const initial = args.initial?.slice(0, args.max);
  return input(args, {
    type: 'plain_text_input',
    action_id: args.block,
    max_length: args.max,
    multiline: args.isLong ?? false,
    ...(initial ? { initial_value: initial } : {}),
  });
}

/** A list whose options come from {@link options}, by what is typed. */
export function search(
  args: Field & {
    readonly action: string;
    readonly hint: string;
    readonly chosen?: readonly [value: string, label: string] | undefined;
  },
): SlackBlock {
  return input(args, {
    type: 'external_select',
    action_id: args.action,
    min_query_length: 0,
    placeholder: plain(args.hint, 150),
    ...(args.chosen && args.chosen[0].length <= OPTION_VALUE_MAX
      ? { initial_option: option(...args.chosen) }
      : {}),
  });
}

export function pick(
  args: Field & { readonly options: readonly string[]; readonly chosen: string | undefined },
): SlackBlock {
  return input(args, {
    type: 'static_select',
    action_id: args.block,
    options: args.options.map((name) => option(name, name)),
    ...(args.chosen === undefined ? {} : { initial_option: option(args.chosen, args.chosen) }),
  });
}

export function ticks(
  args: Field & { readonly option: readonly [value: string, label: string] },
): SlackBlock {
  return input(
    { ...args, isOptional: true },
    { type: 'checkboxes', action_id: args.block, options: [option(...args.option)] },
  );
}

/** A hundred options at most. */
export function options(pairs: readonly (readonly [value: string, label: string])[]) {
  const fit = pairs.filter(([value]) => value.length <= OPTION_VALUE_MAX).slice(0, 100);
  return { options: fit.map((pair) => option(...pair)) };
}

/** What stands in a field of a form that was sent; undefined where nothing does. */
export function said({ state }: SlackForm, block: string): string | undefined {
  const entry = Object.values(state.values[block] ?? {})[0];
  const text =
    entry?.value ?? entry?.selected_option?.value ?? entry?.selected_options?.[0]?.value ?? '';
  return text.trim() === '' ? undefined : text.trim();
}

function input({ block, label, isOptional }: Field, element: object): SlackBlock {
  return {
    type: 'input',
    block_id: block,
    label: plain(label, 2_000),
    optional: isOptional ?? false,
    element,
  };
}

function option(value: string, label: string) {
  return { text: plain(label, 75), value };
}
