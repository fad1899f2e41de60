import { z } from 'zod';
import { DNS_LABEL, DNS_LABEL_RULE } from '../domain/kubernetes-name.js';
import { eachOnce, onLists, onObjects, path, text } from './fields.js';

/** What a header can carry: with anything else asking would fail, and its error would quote the secret. */
export const HEADER_SECRET = /^[\x21-\x7e]{1,4096}$/;
export const HEADER_SECRET_RULE =
  'must be 1 to 4096 printable ASCII characters without spaces: it is sent in a header';

/** As `URL.host` gives it (WHATWG URL): lower case, the port left out where it is the scheme's own. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?$/;

const secret = z
  .strictObject({
    name: text(63)
      .regex(DNS_LABEL, DNS_LABEL_RULE)
      .meta({
        description: 'How OnCallSource documents name it.',
        examples: ['pagerduty'],
      }),
    hosts: z
      .array(text(255).regex(HOST, 'must be a host as URLs name it, such as api.pagerduty.com'))
      .min(1)
      .max(20)
      .meta({
        description:
          'Where it may be sent, as host or host:port. Whoever writes policies cannot have it sent anywhere else.',
        examples: [['api.pagerduty.com']],
      }),
    value: z
      .string()
      .regex(HEADER_SECRET, HEADER_SECRET_RULE)
      .exactOptional()
      .meta({
        description: 'An API token. It is sent to the sources that name it.',
        examples: ['token-of-pagerduty'],
        secret: true,
      }),
    valueFile: path.exactOptional().meta({
      description: 'A file that holds `value`, such as a mounted secret. Give one of the two.',
      examples: ['/run/secrets/pagerduty-token'],
    }),
  })
  .refine((it) => (it.value === undefined) !== (it.valueFile === undefined), {
    ...onObjects,
    path: ['value'],
    error: 'give one of value and valueFile',
  });

export const onCallSection = z.strictObject({
  secrets: z
    .array(secret)
    .max(100)
    .default([])
    .superRefine(eachOnce('name'), onLists)
    .meta({ description: 'What on-call sources are asked with.' }),
});
