import { z } from 'zod';
import type { View } from './slack.shapes.js';
import { Option } from './slack.shapes.js';

/** An input of a form; whatever else a form has is to be read only. */
const Input = z.object({
  block_id: z.string(),
  optional: z.boolean().default(false),
  dispatch_action: z.boolean().default(false),
  element: z.looseObject({
    type: z.string(),
    action_id: z.string(),
    initial_value: z.string().optional(),
    initial_option: Option.optional(),
    options: z.array(Option).optional(),
  }),
});
export type FormInput = z.infer<typeof Input>;

/** The inputs of a form, in their order. */
export function inputsOf({ blocks }: View): FormInput[] {
  return blocks.flatMap((block) => Input.safeParse(block).data ?? []);
}

/** What stands in a form before anybody touches it, by block. */
export function initialOf(view: View): Record<string, string> {
  return Object.fromEntries(
    inputsOf(view).map(({ block_id: block, element }) => [
      block,
      element.initial_value ?? element.initial_option?.value ?? '',
    ]),
  );
}

/** What was filled in, by block, as Slack sends it: `state.values` of the view. */
export function valuesOf(view: View, filled: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    inputsOf(view).map(({ block_id: block, element }) => [
      block,
      { [element.action_id]: entryOf(element.type, filled[block] ?? '') },
    ]),
  );
}

function entryOf(type: string, value: string): object {
  const option = { value, text: { type: 'plain_text', text: value } };
  switch (type) {
    case 'static_select':
    case 'external_select':
      return { type, selected_option: value === '' ? null : option };
    case 'checkboxes':
      return { type, selected_options: value === '' ? [] : [option] };
    default:
      return { type, value: value === '' ? null : value };
  }
}
