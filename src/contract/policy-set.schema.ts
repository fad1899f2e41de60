import { z } from 'zod';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { instant } from './text.schema.js';

const HASH = z.string().meta({
  description:
    'SHA-256 (hex) of the canonical JSON (RFC 8785) of `files`: the version in decisions.',
});

/** From when to when, and which replica put it in force. */
const FORCE = {
  from: instant(),
  until: instant().nullable().meta({ description: 'Null while it is in force.' }),
  replica: z.string().meta({ description: 'The replica whose folders had changed.' }),
} as const;

export const PolicySetsQuery = z.strictObject({ ...PAGE_QUERY });

export const PolicyActivations = z
  .strictObject({
    items: z.array(z.strictObject({ hash: HASH, ...FORCE })),
    nextCursor: NEXT_CURSOR,
  })
  .meta({ id: 'PolicyActivations' });
export type PolicyActivations = z.infer<typeof PolicyActivations>;

export const PolicySetText = z
  .strictObject({
    hash: HASH,
    files: z
      .array(z.strictObject({ name: z.string(), text: z.string() }))
      .meta({ description: 'As they were written, in the order of their names.' }),
    inForce: z
      .array(z.strictObject(FORCE))
      .meta({ description: 'When it was in force, newest first: the last 100 times.' }),
  })
  .meta({ id: 'PolicySetText' });
export type PolicySetText = z.infer<typeof PolicySetText>;
