import { z } from 'zod';
import { DNS_LABEL, DNS_LABEL_RULE } from '../domain/kubernetes-name.js';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { eachOnce, onLists, onObjects, path, seconds, text } from './fields.js';
import type { S3Config } from './recordings.section.js';
import { s3Section } from './recordings.section.js';
import type { Secret } from './secret.js';

/** `whsec_` and the key in base64, as Standard Webhooks has it: 24 to 64 bytes. */
export const WEBHOOK_SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;
export const WEBHOOK_SECRET_RULE = 'must be whsec_ and 24 to 64 bytes in base64';

const KINDS = ['file', 's3', 'webhook', 'log'] as const;

const anchor = z
  .strictObject({
    name: text(63)
      .regex(DNS_LABEL, DNS_LABEL_RULE)
      .meta({
        description:
          'What it is called in metrics and in the log. Another name begins at the newest checkpoint.',
        examples: ['vault'],
      }),
    kind: z.enum(KINDS).meta({
      description:
        '`file` adds lines to a file, `s3` puts locked objects into a bucket, `webhook` posts to an address, `log` writes to the program’s own log. The first two are read back and compared.',
      examples: ['s3'],
    }),
    everySeconds: seconds(1, 86_400)
      .default(60)
      .meta({ description: 'How often a checkpoint is put there, in seconds.', examples: [300] }),
    file: path.exactOptional().meta({
      description: 'Of `file`: the file, which is only ever added to. Each replica needs the same.',
      examples: ['/mnt/worm/checkpoints.jsonl'],
    }),
    s3: s3Section.exactOptional().meta({ description: 'Of `s3`: the bucket.' }),
    retainDays: z
      .int()
      .min(1)
      .max(36_500)
      .exactOptional()
      .meta({
        description:
          'Of `s3`: for how many days the store must refuse to change or delete an object (object lock). The bucket must have been made with object lock. Without it nothing is locked.',
        examples: [2557],
      }),
    lockMode: z
      .enum(['compliance', 'governance'])
      .default('compliance')
      .meta({
        description:
          'Of `s3`: `compliance` locks even for the account’s owner, `governance` but for those with a right of their own.',
        examples: ['governance'],
      }),
    url: text(2048)
      .refine(isSecureUrl, SECURE_URL_RULE)
      .exactOptional()
      .meta({
        description: 'Of `webhook`: where checkpoints are posted, as JSON.',
        examples: ['https://witness.example.com/checkpoints'],
      }),
    secret: z
      .string()
      .regex(WEBHOOK_SECRET, WEBHOOK_SECRET_RULE)
      .exactOptional()
      .meta({
        description:
          'Of `webhook`: what posts are signed with, as Standard Webhooks has it. Without one they are not.',
        examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
        secret: true,
      }),
    secretFile: path.exactOptional().meta({
      description: 'A file that holds `secret`. Give one of the two.',
      examples: ['/run/secrets/anchor-webhook'],
    }),
  })
  .superRefine((it, context) => {
    const missing = (at: string[], message: string): void =>
      context.addIssue({ code: 'custom', path: at, message });
    if (it.kind === 'file' && it.file === undefined) missing(['file'], 'is missing');
    if (it.kind === 'webhook' && it.url === undefined) missing(['url'], 'is missing');
    if (it.kind === 's3' && it.s3?.bucket === undefined) missing(['s3', 'bucket'], 'is missing');
    if (it.secret !== undefined && it.secretFile !== undefined)
      missing(['secretFile'], 'give one of secret and secretFile');
  }, onObjects);

export const anchorsSection = z.array(anchor).max(20).superRefine(eachOnce('name'), onLists);

export type AnchorDocument = z.output<typeof anchor>;

/** An anchor, its secrets read and its path absolute. */
export type AnchorConfig = { readonly name: string; readonly everySeconds: number } & (
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 's3'; readonly s3: S3Config; readonly lock: ObjectLock | null }
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: Secret | null }
  | { readonly kind: 'log' }
);

export interface ObjectLock {
  readonly mode: 'COMPLIANCE' | 'GOVERNANCE';
  readonly days: number;
}
