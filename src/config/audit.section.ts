import { z } from 'zod';
import { KEEP_DAYS_MIN } from '../domain/audit/dropped.places.js';
import type { SignerKey, VerifierKey } from '../domain/audit/signed.note.js';
import type { AnchorConfig } from './anchors.section.js';
import { anchorsSection } from './anchors.section.js';
import { path } from './fields.js';
import type { SinkConfig } from './sinks.section.js';
import { sinks } from './sinks.section.js';

const ORIGIN = /^[^\s+\p{Z}\p{Cc}]+$/u;

const retention = z.strictObject({
  keepDays: z
    .int()
    .min(KEEP_DAYS_MIN)
    .max(36_500)
    .meta({
      description:
        'For how many days an event keeps its body, at least; longer where it is held, or its session has a recording, or an anchor or a sink has not had it.',
      examples: [400],
    }),
});

/** How the audit log is signed. */
export const auditSection = z.strictObject({
  origin: z
    .string()
    .min(1)
    .max(253)
    .regex(ORIGIN, 'must have no spaces, control characters or plus')
    .exactOptional()
    .meta({
      description:
        'The name of the log in its checkpoints; by default where it is served: `server.publicUrl` without its scheme, and `/v1/audit`. Another name begins another log, with all that is in this one.',
      examples: ['hallpass.example.com/v1/audit'],
    }),
  keyFiles: z
    .array(path)
    .min(1, 'name one file at least: `hallpass audit keygen` makes one')
    .max(4)
    .meta({
      description:
        'The files of the keys that sign it, as `hallpass audit keygen` makes them. All of them sign: to change keys, name both for as long as somebody verifies with the old one.',
      examples: [['/run/secrets/audit-key']],
    }),
  formerKeys: z
    .array(z.string().min(1).max(500))
    .max(16)
    .default([])
    .meta({
      description:
        'Verifier keys (`name+keyID+base64`) of keys that signed before and sign no more. What they signed, in the database and in anchors, goes on being ours; leave out a key that somebody else has got.',
      examples: [['hallpass.example.com/v1/audit+1b8c2a3f+AbC…=']],
    }),
  everyMilliseconds: z
    .int()
    .min(20)
    .max(60_000)
    .default(200)
    .meta({
      description: 'How often events that wait are given their places and signed, in milliseconds.',
      examples: [1000],
    }),
  anchors: anchorsSection.default([]).meta({
    description:
      'Where checkpoints are put by, out of the reach of whoever has the database. Without any, who restores an older database with all its checkpoints is found out only by those who kept one.',
  }),
  sinks,
  retention: retention.exactOptional().meta({
    description:
      'When what events say is dropped: their hashes, times and actions stay, and every proof still verifies. Without it all is kept for ever.',
  }),
});

/** How the audit log is signed, its keys read. */
export interface AuditConfig {
  readonly origin: string;
  /** Where the keys were read from, absolute. */
  readonly keyFiles: readonly string[];
  readonly signers: readonly SignerKey[];
  /** Keys that signed before. */
  readonly formerKeys: readonly VerifierKey[];
  readonly everyMilliseconds: number;
  readonly anchors: readonly AnchorConfig[];
  /** Where the log is delivered to. */
  readonly sinks: readonly SinkConfig[];
  /** When bodies are dropped; null: never. */
  readonly retention: { readonly keepDays: number } | null;
}
