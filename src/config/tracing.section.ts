import { z } from 'zod';
import { isPrivateChannel } from '../domain/secure-url.js';
import { isPlainWebUrl, PLAIN_WEB_URL_RULE } from './address.rules.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { onObjects, path, text } from './fields.js';
import { Secret } from './secret.js';
import { heldIn } from './secret.files.js';

const otlp = z
  .strictObject({
    endpoint: text(2048)
      .refine(isPlainWebUrl, PLAIN_WEB_URL_RULE)
      .meta({
        description:
          'The collector, by OTLP over HTTP with protobuf; `/v1/traces` is added. As `OTEL_EXPORTER_OTLP_ENDPOINT`, which is not read.',
        examples: ['http://otel-collector.observability:4318'],
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
}

/** RFC 9110 §5.6.2 and §5.5, without what goes by itself with a request of protobuf. */
const HEADER =
  /^(?!(?:host|content-type|content-length|transfer-encoding|connection)[ \t]*:)([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})[ \t]*:[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)$/i;
const HEADERS_MAX = 20;
const HEADERS_RULE = `must hold 1 to ${HEADERS_MAX} lines \`name: value\`, none of them of what each request has`;

/** The section with what is in its files; what is wrong with those goes to `mistakes`. */
export function tracingOf(
  { otlp: named, sampleRatio, serviceName }: TracingDocument,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): TracingConfig {
  if (named === undefined) return { otlp: null, sampleRatio, serviceName };
  const read = (
    key: 'headersFile' | 'caFile',
    isRight: (it: string) => boolean,
    sentence: string,
  ) => {
    const file = named[key];
    if (file === undefined) return undefined;
    return heldIn(file, { isRight, sentence }, ['tracing', 'otlp', key], sources, mistakes);
  };
  const headers = read('headersFile', (it) => headersIn(it) !== undefined, HEADERS_RULE);
  const caPem = read('caFile', (it) => CERTIFICATE.test(it), 'does not hold what it should');
  return {
    otlp: {
      endpoint: named.endpoint,
      headers: (headers === undefined ? undefined : headersIn(headers)) ?? new Map(),
      caPem: caPem ?? null,
    },
    sampleRatio,
    serviceName,
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/;

function headersIn(held: string): ReadonlyMap<string, Secret> | undefined {
  const lines = held.split(/\r?\n/).filter((line) => line.trim() !== '');
  const headers = new Map<string, Secret>();
  for (const line of lines) {
    const [, name, value] = HEADER.exec(line.trim()) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), new Secret(value));
  }
  return headers.size === 0 || headers.size > HEADERS_MAX ? undefined : headers;
}
