import { z } from 'zod';
import { isPrivateChannel } from '../domain/secure-url.js';
import {
  isPlainWebUrl,
  isTraceLink,
  PLAIN_WEB_URL_RULE,
  TRACE_LINK_RULE,
} from './address.rules.js';
import { onObjects, path, text } from './fields.js';
import type { Secret } from './secret.js';

const otlp = z
  .strictObject({
    endpoint: text(2048)
      .refine(isPlainWebUrl, PLAIN_WEB_URL_RULE)
      .meta({
        description:
          'The collector, by OTLP over HTTP with protobuf; `/v1/traces` is added. As `OTEL_EXPORTER_OTLP_ENDPOINT`, which is not read.',
        examples: ['https://otel-collector.example.com:4318'],
      }),
    headersFile: path.exactOptional().meta({
      description:
        'A file of headers that it is sent, a line `name: value` each, such as a vendor’s key. Only by https, or on this machine.',
      examples: ['/run/secrets/otlp-headers'],
    }),
    caFile: path.exactOptional().meta({
      description: 'The certificates that its own is checked with, where they are not public ones.',
      examples: ['/etc/hallpass/otel-ca.pem'],
    }),
  })
  .refine(
    ({ endpoint, headersFile }) =>
      headersFile === undefined || !URL.canParse(endpoint) || isPrivateChannel(new URL(endpoint)),
    {
      ...onObjects,
      path: ['headersFile'],
      error: 'is for an endpoint that is https, or on this machine: others would read it',
    },
  );

export const tracingSection = z.strictObject({
  otlp: otlp.exactOptional().meta({
    description: 'Where spans are sent. Left out: nowhere, and none are made.',
  }),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta({
      description:
        'Which part of the traces that begin here is kept, from 0 to 1. One that begins elsewhere is kept where whoever began it says so.',
      examples: [0.1],
    }),
  serviceName: text(255)
    .default('hallpass')
    .meta({
      description: 'What this service is called in traces (`service.name`).',
      examples: ['hallpass-prod'],
    }),
  linkTemplate: text(2048)
    .refine(isTraceLink, TRACE_LINK_RULE)
    .exactOptional()
    .meta({
      description:
        'Where people look at a trace, with `{traceId}` for its id: pages of sessions lead there. Left out: they have the id alone.',
      examples: ['https://jaeger.example.com/trace/{traceId}'],
    }),
});

export type TracingDocument = z.output<typeof tracingSection>;

/** How spans are made and where they go, files read. */
export interface TracingConfig {
  /** Null: nowhere. */
  readonly otlp: {
    readonly endpoint: string;
    readonly headers: ReadonlyMap<string, Secret>;
    readonly caPem: string | null;
  } | null;
  readonly sampleRatio: number;
  readonly serviceName: string;
  /** Where people look at a trace, with {@link TRACE_PLACE} for its id. */
  readonly linkTemplate?: string;
}
