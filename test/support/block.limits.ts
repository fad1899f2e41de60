import type { SlackBlock, SlackContent } from '../../src/app/ports/slack.api.js';
import { fieldOf, listOf, textOf } from '../../src/adapters/slack/slack.answer.js';

/** What Slack documents of messages and their blocks, in UTF-16 units and in numbers of things. */
export const BLOCK_LIMITS = {
  blocks: 50,
  text: 4_000,
  header: 150,
  section: 3_000,
  fields: 10,
  field: 2_000,
  context: 10,
  actions: 25,
  button: 75,
  value: 2_000,
  url: 3_000,
  actionId: 255,
  richText: 3_000,
  question: { title: 100, text: 300, confirm: 30, deny: 30 },
} as const;

/** What of a message is over the limits that Slack documents, as sentences; none where it may be sent. */
export function overLimits({ text, blocks }: SlackContent): string[] {
  return [
    ...over('the blocks', blocks.length, BLOCK_LIMITS.blocks),
    ...over('the text', text.length, BLOCK_LIMITS.text),
    ...(text === '' ? ['the text is empty'] : []),
    ...blocks.flatMap((block, at) =>
      ofBlock(block).map((it) => `block ${at} (${block.type}): ${it}`),
    ),
  ];
}

function ofBlock(block: SlackBlock): string[] {
  const check = CHECKS[block.type];
  return check === undefined ? ['is of a kind that messages are not made of'] : check(block);
}

function ofQuestion(asked: unknown): string[] {
  if (asked === undefined) return [];
  return Object.entries(BLOCK_LIMITS.question).flatMap(([part, max]) =>
    sized(`the ${part} of a question`, textOf(asked, part, 'text'), max),
  );
}

const CHECKS: Readonly<Record<string, (block: SlackBlock) => string[]>> = {
  divider: () => [],
  header: (block) => sized('its text', textOf(block, 'text', 'text'), BLOCK_LIMITS.header),
  section: (block) => {
    const fields = listOf(block, 'fields');
    return fields === undefined
      ? sized('its text', textOf(block, 'text', 'text'), BLOCK_LIMITS.section)
      : [
          ...over('the fields', fields.length, BLOCK_LIMITS.fields),
          ...fields.flatMap((field) => sized('a field', textOf(field, 'text'), BLOCK_LIMITS.field)),
        ];
  },
  context: (block) => {
    const elements = listOf(block, 'elements') ?? [];
    return [
      ...over('the elements', elements.length, BLOCK_LIMITS.context),
      ...elements.flatMap((it) => sized('an element', textOf(it, 'text'), BLOCK_LIMITS.section)),
    ];
  },
  actions: (block) => {
    const elements = listOf(block, 'elements') ?? [];
    const ids = elements.map((it) => textOf(it, 'action_id') ?? '');
    return [
      ...over('the elements', elements.length, BLOCK_LIMITS.actions),
      ...(new Set(ids).size < ids.length ? ['two buttons have one id'] : []),
      ...elements.flatMap((it) => [
        ...sized('a label', textOf(it, 'text', 'text'), BLOCK_LIMITS.button),
        ...sized('an id', textOf(it, 'action_id'), BLOCK_LIMITS.actionId),
        ...over('a value', (textOf(it, 'value') ?? '').length, BLOCK_LIMITS.value),
        ...over('a link', (textOf(it, 'url') ?? '').length, BLOCK_LIMITS.url),
        ...ofQuestion(fieldOf(it, 'confirm')),
      ]),
    ];
  },
  rich_text: (block) =>
    (listOf(block, 'elements') ?? []).flatMap((part) =>
      (listOf(part, 'elements') ?? []).flatMap((it) =>
        fieldOf(it, 'type') === 'text'
          ? sized('a text', textOf(it, 'text'), BLOCK_LIMITS.richText)
          : ['holds something else than text'],
      ),
    ),
};

function sized(what: string, text: string | undefined, max: number): string[] {
  return text === undefined ? [`${what} is empty`] : over(what, text.length, max);
}

function over(what: string, count: number, max: number): string[] {
  return count > max ? [`${what}: ${count}, ${max} at most`] : [];
}
