import { z } from 'zod';

/** What the workspace answers and is given, as much of it as is read. */

const Block = z.looseObject({ type: z.string(), block_id: z.string().optional() });

export const Message = z.object({
  ts: z.string(),
  user: z.string().default(''),
  text: z.string().default(''),
  blocks: z.array(Block).default([]),
  edited: z.unknown().optional(),
  reply_count: z.number().default(0),
});
export type Message = z.infer<typeof Message>;

export const Messages = z.object({ messages: z.array(Message).default([]) });

const Text = z.object({ text: z.string() });
export const View = z.object({
  callback_id: z.string().default(''),
  private_metadata: z.string().default(''),
  title: Text.nullish(),
  submit: Text.nullish(),
  close: Text.nullish(),
  blocks: z.array(Block).default([]),
});
export type View = z.infer<typeof View>;

export const Listed = z.object({
  channels: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
  members: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
});

export const Option = z.object({ text: Text, value: z.string() });
export type Option = z.infer<typeof Option>;

/** What a broker may answer to what Slack posts. */
export const Answer = z.object({
  text: z.string().optional(),
  response_action: z.string().optional(),
  errors: z.record(z.string(), z.string()).optional(),
  view: View.optional(),
  options: z.array(Option).optional(),
});
export type Answer = z.infer<typeof Answer>;
