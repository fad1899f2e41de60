import { z } from 'zod';
import type { LogFormatName } from '../domain/audit/log.formats.js';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { eachOnce, onLists, onObjects, path, port, seconds, text } from './fields.js';
import type { S3Config } from './recordings.section.js';
import { s3Section } from './recordings.section.js';
import type { Secret } from './secret.js';

const KINDS = ['webhook', 'splunk', 's3', 'syslog'] as const;
type SinkKind = (typeof KINDS)[number];

/** Keys that a kind needs, and those that it may have besides what all have. */
const KEYS: Readonly<
  Record<SinkKind, { readonly needs: readonly string[]; readonly may: readonly string[] }>
> = {
  webhook: { needs: ['url', 'secretFile'], may: ['caFile'] },
  splunk: { needs: ['url', 'secretFile'], may: ['caFile', 'index'] },
  s3: { needs: ['s3'], may: [] },
  syslog: { needs: ['host'], may: ['port', 'caFile'] },
};
const OF_KINDS = ['url', 'secretFile', 'caFile', 'index', 'host', 'port', 's3'] as const;

const sink = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be of a-z, 0-9 and -, 63 at most')
      .meta({
        description:
          'Its name, under which the database remembers how far it is. Under another one it begins at the first event.',
        examples: ['siem'],
      }),
    kind: z.enum(KINDS).meta({
      description:
        'What it is: a webhook (Standard Webhooks), Splunk’s HTTP Event Collector, an S3-compatible store, or syslog over TLS.',
      examples: ['splunk'],
    }),
    format: z
      .enum(['jsonl', 'ocsf', 'ecs', 'csv'])
      .default('ocsf')
      .meta({
        description:
          'The form of events: `jsonl` as they are in the log, `ocsf` 1.8, `ecs` 9.4, or `csv`, which an S3-compatible store alone takes.',
        examples: ['ecs'],
      }),
    batch: z
      .int()
      .min(1)
      .max(1000)
      .default(100)
      .meta({ description: 'How many events it takes at once.', examples: [500] }),
    everySeconds: seconds(1, 3600)
      .default(1)
      .meta({
        description:
          'How often it is looked for new events. For a store, a minute makes fewer objects.',
        examples: [60],
      }),
    url: text(2048)
      .refine(isSecureUrl, SECURE_URL_RULE)
      .refine((it) => !it.endsWith('/'), 'must not end with a slash')
      .exactOptional()
      .meta({
        description: 'Of a webhook its address; of Splunk its root.',
        examples: ['https://splunk.example.com:8088'],
      }),
    secretFile: path.exactOptional().meta({
      description:
        'A file that holds the secret of a webhook (`whsec_…`) or the token of Splunk’s collector.',
      examples: ['/run/secrets/siem-token'],
    }),
    caFile: path.exactOptional().meta({
      description: 'The certificates that its own is checked with, where they are not public ones.',
      examples: ['/etc/hallpass/siem-ca.pem'],
    }),
    index: text(255)
      .exactOptional()
      .meta({
        description: 'The index of Splunk, where it is not the token’s own.',
        examples: ['audit'],
      }),
    host: text(253)
      .exactOptional()
      .meta({ description: 'Of a syslog receiver.', examples: ['syslog.example.com'] }),
    port: port
      .min(1)
      .exactOptional()
      .meta({ description: 'Of a syslog receiver; 6514 by default.', examples: [6514] }),
    s3: s3Section.exactOptional().meta({ description: 'The S3-compatible store.' }),
  })
  .superRefine((it: Readonly<Record<string, unknown>>, context) => {
    const kind = KINDS.find((name) => name === it['kind']);
    if (kind === undefined) return;
    const { needs, may } = KEYS[kind];
    for (const key of OF_KINDS) {
      const isThere = it[key] !== undefined;
      const message =
        !isThere && needs.includes(key)
          ? `is missing: a sink of the kind ${kind} needs it`
          : isThere && !needs.includes(key) && !may.includes(key)
            ? `is nothing for a sink of the kind ${kind}`
            : undefined;
      if (message !== undefined) context.addIssue({ code: 'custom', path: [key], message });
    }
  }, onObjects)
  .refine((it) => it.format !== 'csv' || it.kind === 's3', {
    ...onObjects,
    path: ['format'],
    error: 'csv is for an S3-compatible store alone',
  })
  .refine((it) => it.s3 === undefined || it.s3.bucket !== undefined, {
    ...onObjects,
    path: ['s3', 'bucket'],
    error: 'is missing',
  });

export const sinks = z.array(sink).max(20).default([]).superRefine(eachOnce('name'), onLists).meta({
  description:
    'Where the audit log is delivered to: in order, each event at least once, to each sink on its own.',
});

export type SinkDocument = z.output<typeof sink>;

interface Common {
  readonly name: string;
  readonly format: LogFormatName;
  readonly batch: number;
  readonly everyMs: number;
}

/** A sink, its secrets and certificates read. */
export type SinkConfig = Common &
  (
    | {
        readonly kind: 'webhook';
        readonly url: string;
        readonly secret: Secret;
        readonly caPem: string | null;
      }
    | {
        readonly kind: 'splunk';
        readonly url: string;
        readonly token: Secret;
        readonly index: string | null;
        readonly caPem: string | null;
      }
    | { readonly kind: 's3'; readonly s3: S3Config }
    | {
        readonly kind: 'syslog';
        readonly host: string;
        readonly port: number;
        readonly caPem: string | null;
      }
  );

export type SinkOf<Kind extends SinkKind> = Extract<SinkConfig, { readonly kind: Kind }>;
