import { z } from 'zod';
import { instant } from './text.schema.js';

export const ChannelView = z
  .strictObject({
    name: z.string(),
    kind: z.string(),
    state: z.enum(['up', 'failing', 'disabled']).meta({
      description:
        '`failing`: it is tried again by itself. `disabled`: it said that it is gone (410), and gets nothing more until its configuration changes.',
    }),
    waiting: z.int().meta({ description: 'Notices that it has not been given yet.' }),
    oldestSeconds: z.number().meta({
      description: 'For how long the oldest of them waits; 0 where none does.',
    }),
    dead: z.int().meta({ description: 'Notices that it refused or that were given up.' }),
    failingSince: instant().nullable(),
    lastError: z.string().nullable(),
    deliveredAt: instant().nullable().meta({ description: 'When it last took one.' }),
  })
  .meta({ id: 'Channel' });
export type ChannelView = z.infer<typeof ChannelView>;

export const ChannelList = z
  .strictObject({ items: z.array(ChannelView) })
  .meta({ id: 'ChannelList' });
export type ChannelList = z.infer<typeof ChannelList>;

export const ChannelTest = z
  .strictObject({
    outcome: z.enum(['taken', 'refused', 'gone', 'away']).meta({
      description:
        '`away` may pass: it did not answer, or asked to be left alone. `gone`: it answered 410.',
    }),
    detail: z.string().nullable().meta({ description: 'What it said, in our words.' }),
  })
  .meta({ id: 'ChannelTest' });
export type ChannelTest = z.infer<typeof ChannelTest>;
