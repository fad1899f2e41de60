import { z } from 'zod';
import { SESSION_ID } from '../domain/session/session.js';

/** The archive, as a stream of bytes. */
export const Evidence = z.string().meta({
  id: 'Evidence',
  format: 'binary',
  description: 'A tar archive, compressed with gzip (docs/evidence.md).',
});

export const EVIDENCE_FORMAT = 'hallpass-evidence/1';

/** What became of a recording in an archive: `whole`, or why it is not in it. */
export const GIVEN = ['whole', 'dropped', 'not-allowed', 'broken'] as const;
export type Given = (typeof GIVEN)[number];

const instant = z.string().max(40).nullable();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const text = z.string();
const person = z.strictObject({
  iss: text,
  sub: text,
  name: text.nullable(),
  email: text.nullable(),
  groups: z.array(text),
});
/** What is shown and not looked into. */
const shown = z.json();

/** `session.json` of an archive of evidence. */
export const EvidenceRecord = z.strictObject({
  format: z.literal(EVIDENCE_FORMAT),
  takenAt: z.string(),
  takenBy: person,
  isOver: z.boolean(),
  session: z.strictObject({
    id: z.string().regex(SESSION_ID),
    version: z.int().min(1),
    state: text,
    requester: person,
    request: z.strictObject({
      cluster: text,
      namespace: text,
      target: z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('pod'), name: text }),
        z.strictObject({ kind: z.literal('workload'), workload: text, name: text, pick: text }),
      ]),
      container: text.nullable(),
      profile: text,
      reason: text,
      ticket: text.nullable(),
      durationSeconds: z.number(),
      start: text,
      breakGlass: z.boolean(),
    }),
    pod: z.strictObject({ name: text, uid: text, node: text }).nullable(),
    policy: z.strictObject({ version: hash, rule: text, terms: shown, profile: shown }).nullable(),
    container: z
      .strictObject({
        name: text,
        image: text,
        imageId: text.nullable(),
        timer: text.nullable(),
        startBy: text,
      })
      .nullable(),
    extensions: z.int(),
    createdAt: text,
    startedAt: instant,
    deadline: instant,
    endedAt: instant,
    endReason: text.nullable(),
    endDetail: text.nullable(),
  }),
  decisions: z.array(
    z.strictObject({
      id: text,
      by: z.enum(['policy', 'person']),
      verdict: text,
      person: person.nullable(),
      comment: text.nullable(),
      rule: text.nullable(),
      policyVersion: hash.nullable(),
      explanation: z.array(text),
      /** The version of the session that the person saw, which its event of that version tells. */
      seenVersion: z.int().nullable(),
      at: text,
    }),
  ),
  policies: z.array(z.strictObject({ version: hash, isGiven: z.boolean() })),
  recordings: z.array(
    z.strictObject({
      id: text,
      kind: text,
      way: text,
      by: person,
      mode: text,
      input: z.boolean(),
      startedAt: text,
      endedAt: instant,
      isAbandoned: z.boolean(),
      exitCode: z.number().nullable(),
      why: text.nullable(),
      chunks: z.int().min(0),
      gaps: z.int().min(0),
      digest: hash,
      given: z.enum(GIVEN),
    }),
  ),
  review: z
    .strictObject({
      dueAt: text,
      finding: text.nullable(),
      comment: text.nullable(),
      reviewer: person.nullable(),
      at: instant,
    })
    .nullable(),
});
export type EvidenceRecord = z.infer<typeof EvidenceRecord>;
