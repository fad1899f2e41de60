import { z } from 'zod';
import { DNS_LABEL, DNS_LABEL_RULE } from '../domain/kubernetes-name.js';
import { JSON_POINTER, ON_CALL_MATCHES, ON_CALL_SHAPES } from '../domain/policy/on-call-source.js';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { metadata, onObjects, POLICY_API_VERSION } from './document.schema.js';
import { durationSchema } from './duration.schema.js';

const TIMEOUT_SECONDS_MAX = 10;
const MAX_AGE_SECONDS_MAX = 3_600;
const STALE_FOR_SECONDS_MAX = 86_400;

/** A duration of at most `secondsMax`, which `words` write out. */
const atMost = (secondsMax: number, words: string) =>
  durationSchema.refine((it) => it <= secondsMax, `must be ${words} at most`);

const spec = z
  .strictObject({
    description: z.string().max(1000).default(''),
    url: z.string().max(2048).refine(isSecureUrl, SECURE_URL_RULE).meta({
      description: 'What is asked, with GET. It can be read by whoever reads policies: no secrets.',
    }),
    shape: z.enum(ON_CALL_SHAPES).meta({
      description:
        "How the answer is read: PagerDuty's `GET /oncalls`, or any list of people (`generic`).",
    }),
    pointer: z
      .string()
      .max(1024)
      .regex(JSON_POINTER, "must be a JSON pointer, such as '/0/users'")
      .exactOptional()
      .meta({
        description:
          'Of `generic`: where the list is, as JSON pointer. By default the whole answer.',
      }),
    field: z.string().min(1).max(256).exactOptional().meta({
      description:
        'Of `generic`: what names a person in an object of the list. By default the list is of texts.',
    }),
    match: z.enum(ON_CALL_MATCHES).default('email').meta({
      description: 'Whether it names people by e-mail, or by the subject of their tokens.',
    }),
    secret: z.string().regex(DNS_LABEL, DNS_LABEL_RULE).exactOptional().meta({
      description:
        'The secret that it is asked with: a name out of `onCall.secrets` of the configuration.',
    }),
    timeout: atMost(TIMEOUT_SECONDS_MAX, '10s').prefault('2s').meta({
      description: 'How long an answer may take.',
    }),
    maxAge: atMost(MAX_AGE_SECONDS_MAX, '1h').prefault('60s').meta({
      description: 'How long an answer is used before it is asked again.',
    }),
    staleFor: atMost(STALE_FOR_SECONDS_MAX, '24h').prefault('5m').meta({
      description:
        'How old an answer may become while it cannot be asked. After that nobody knows who is on call.',
    }),
  })
  .refine((it) => it.shape !== 'pagerduty' || it.pointer === undefined, {
    ...onObjects,
    path: ['pointer'],
    error: 'has no place with shape: pagerduty',
  })
  .refine((it) => it.shape !== 'pagerduty' || it.field === undefined, {
    ...onObjects,
    path: ['field'],
    error: 'has no place with shape: pagerduty',
  })
  .refine((it) => it.shape !== 'pagerduty' || it.match !== 'subject', {
    ...onObjects,
    path: ['match'],
    error: 'must be email: PagerDuty does not know the subjects of tokens',
  })
  .refine((it) => !(it.staleFor < it.maxAge), {
    ...onObjects,
    path: ['staleFor'],
    error: 'must not be shorter than maxAge',
  });

/** Somewhere over HTTP that says who is on call: `onCall['<name>']` in conditions. */
export const onCallSourceSchema = z
  .strictObject({
    apiVersion: z.literal(POLICY_API_VERSION),
    kind: z.literal('OnCallSource'),
    metadata,
    spec,
  })
  .meta({ id: 'OnCallSource' });

export type OnCallSourceDocument = z.output<typeof onCallSourceSchema>;
