import { z } from 'zod';
import { instant } from './text.schema.js';

export const NewSlackLink = z
  .strictObject({
    code: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the code of a link that Slack showed you')
      .meta({ description: 'What stands in the link that Hallpass offered in Slack.' }),
  })
  .meta({
    id: 'NewSlackLink',
    examples: [{ code: 'Zk0vN0l4dE1pUm9nYVh1cWxVd3NQZGx2c0xJd2J5cXM' }],
  });

export const SlackLinkView = z
  .strictObject({
    id: z.uuid(),
    team: z.string().meta({ description: 'The workspace.', examples: ['T0123ABCD'] }),
    user: z.string().meta({ description: 'The account in it.', examples: ['U0123ABCD'] }),
    name: z.string().meta({ description: 'What it was called when it was tied.' }),
    linkedAt: instant(),
  })
  .meta({ id: 'SlackLink', description: 'A Slack account that speaks for the caller.' });
export type SlackLinkView = z.infer<typeof SlackLinkView>;

export const SlackLinkList = z
  .strictObject({ items: z.array(SlackLinkView) })
  .meta({ id: 'SlackLinkList' });
export type SlackLinkList = z.infer<typeof SlackLinkList>;
