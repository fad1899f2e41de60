import type { SlackBlock, SlackView } from '../../app/ports/slack.api.js';
import type { SlackForm } from './slack.payloads.js';
import { section } from './slack.blocks.js';
import { amid, literal } from './slack.text.js';

/** The parts of modals. Each field is alone in a block, and both are called the same. */

/** Slack's. */
export const OPTION_VALUE_MAX = 150;
const OPTION_LABEL_MAX = 75;

interface Field {
  readonly block: string;
  readonly label: string;
  readonly isOptional?: boolean;
  /** Whether we are told as soon as it changes. */
  readonly isTold?: boolean;
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
    ...(args.isTold === true ? { dispatch_action_config: AS_TYPED } : {}),
  });
}

const AS_TYPED = { trigger_actions_on: ['on_enter_pressed', 'on_character_entered'] };

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
  args: Field & {
    readonly option: readonly [value: string, label: string];
    readonly isTicked?: boolean;
  },
): SlackBlock {
  const offered = [option(...args.option)];
  return input(
    { ...args, isOptional: true },
    {
      type: 'checkboxes',
      action_id: args.block,
      options: offered,
      ...(args.isTicked === true ? { initial_options: offered } : {}),
    },
  );
}

/** A hundred options at most. */
export function options(pairs: readonly (readonly [value: string, label: string])[]) {
  const fit = pairs.filter(([value]) => value.length <= OPTION_VALUE_MAX).slice(0, 100);
  return { options: fit.map((pair) => option(...pair)) };
}

/** What was chosen in a list of a form that was sent, with its label. */
export function chosen(
  { state }: SlackForm,
  block: string,
): readonly [value: string, label: string] | undefined {
  const option = Object.values(state.values[block] ?? {})[0]?.selected_option;
  return option ? [option.value, option.text?.text ?? option.value] : undefined;
}

/** What stands in a field of a form that was sent; undefined where nothing does. */
export function said({ state }: SlackForm, block: string): string | undefined {
  const entry = Object.values(state.values[block] ?? {})[0];
  const text =
    entry?.value ?? entry?.selected_option?.value ?? entry?.selected_options?.[0]?.value ?? '';
  return text.trim() === '' ? undefined : text.trim();
}

function input({ block, label, isOptional, isTold }: Field, element: object): SlackBlock {
  return {
    type: 'input',
    block_id: block,
    label: plain(label, 2_000),
    optional: isOptional ?? false,
    ...(isTold === true ? { dispatch_action: true } : {}),
    element,
  };
}

function option(value: string, label: string) {
  const text = { type: 'plain_text', text: amid(label, OPTION_LABEL_MAX), emoji: false };
  return { text, value };
}
