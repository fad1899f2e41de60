import { z } from 'zod';

/** What Slack sends, as much of it as is read. Whatever else is in it is nobody's business here. */

const id = z.string().regex(/^[A-Z0-9]{2,32}$/);
const trigger = z.string().min(1).max(200);
const user = z.object({ id });

/** What the audit log is to call what was sent, where that is known. */
export interface Called {
  readonly requestId: string | undefined;
}

/** A field of a form. Which of these it has depends on its kind. */
const Entry = z.object({
  value: z.string().max(3_000).nullish(),
  selected_option: z
    .object({
      value: z.string().max(150),
      text: z.object({ text: z.string().max(300) }).optional(),
    })
    .nullish(),
  selected_options: z
    .array(z.object({ value: z.string().max(150) }))
    .max(10)
    .nullish(),
});

const View = z.object({
  id: z.string().min(1).max(100),
  private_metadata: z.string().max(3_000).default(''),
  state: z
    .object({ values: z.record(z.string(), z.record(z.string(), Entry)) })
    .default({ values: {} }),
});
export type SlackForm = z.infer<typeof View>;

export const CommandSent = z.object({
  user_id: id,
  channel_id: id.optional(),
  trigger_id: trigger,
  text: z.string().max(10_000).default(''),
});

export const ShortcutSent = z.object({
  user,
  trigger_id: trigger,
  channel: z.object({ id }),
  message: z.object({ ts: z.string().regex(/^\d{1,12}\.\d{1,9}$/) }),
});

export const ButtonPressed = z.object({
  user,
  trigger_id: trigger,
  channel: z.object({ id }).optional(),
  actions: z.tuple([
    z.object({ action_id: z.string().max(255), value: z.string().max(2_000).default('') }),
  ]),
});
export type ButtonPressed = z.infer<typeof ButtonPressed>;

/** A field of a form that changed, and the form as it is then. */
export const FieldTyped = z.object({ view: View });

export const FormSent = z.object({ user, view: View });

export const SearchTyped = z.object({
  user,
  action_id: z.string().max(255),
  value: z.string().max(300).default(''),
  view: View,
});
