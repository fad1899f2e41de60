import { z } from 'zod';
import { OWNER_KINDS } from '../domain/policy/facts.js';
import { ON_CALL_MATCHES, ON_CALL_SHAPES } from '../domain/policy/on-call-source.js';
import {
  FILE_COPIES,
  ON_ACCESS_REMOVED,
  ON_OVERRUN,
  RECORDINGS,
  SLACK_CONSENTS,
  SELECTOR_OPERATORS,
  WAYS,
  WEEKDAYS,
  MULTIPLEXERS,
  WATCHERS,
} from '../domain/policy/policy.js';

const texts = z.array(z.string());
/** People, by group and by subject. */
export const PEOPLE_LISTS = { groups: texts, users: texts };
const selector = z.array(
  z.strictObject({ key: z.string(), operator: z.enum(SELECTOR_OPERATORS), values: texts }),
);
const seconds = z.int();

const MATCH = z.strictObject({
  ...PEOPLE_LISTS,
  clusters: texts,
  namespaces: texts,
  namespaceSelector: selector,
  workloads: z.array(
    z.strictObject({ kinds: z.array(z.enum(OWNER_KINDS)), names: texts, podSelector: selector }),
  ),
  profiles: texts,
  times: z.array(
    z.strictObject({
      timeZone: z.string(),
      days: z.array(z.enum(WEEKDAYS)),
      fromMinute: z.int(),
      toMinute: z.int(),
    }),
  ),
});

const textRule = z.strictObject({ required: z.boolean(), pattern: z.string().nullable() });

const SIGN_IN = z.strictObject({ acr: texts, amr: texts, maxAgeSeconds: seconds.nullable() });

/** The terms of an allow, complete. */
export const TERMS = z.strictObject({
  longestSeconds: seconds,
  approvals: z.strictObject({
    require: z.array(z.strictObject({ count: z.int(), ...PEOPLE_LISTS })),
    commentRequired: z.boolean(),
    escalation: z.strictObject({ afterSeconds: seconds, ...PEOPLE_LISTS }).nullable(),
    signIn: SIGN_IN.exactOptional(),
  }),
  reason: textRule,
  ticket: textRule,
  recording: z.enum(RECORDINGS),
  keepRecordingSeconds: seconds,
  watcher: z.enum(WATCHERS),
  streams: z.int(),
  ways: z.array(z.enum(WAYS)),
  fileCopies: z.enum(FILE_COPIES),
  portForward: z.boolean(),
  concurrent: z.strictObject({ perPerson: z.int().nullable(), perPod: z.int().nullable() }),
  extension: z.strictObject({ times: z.int(), longestSeconds: seconds }).nullable(),
  idleSeconds: seconds.nullable(),
  onOverrun: z.enum(ON_OVERRUN),
  onAccessRemoved: z.enum(ON_ACCESS_REMOVED),
  slack: z.strictObject({ channels: texts, consent: z.enum(SLACK_CONSENTS), profiles: texts }),
  breakGlass: z
    .strictObject({
      signIn: SIGN_IN,
      review: z.strictObject({ withinSeconds: seconds, ...PEOPLE_LISTS }),
      debt: z.union([
        z.strictObject({ of: z.literal('person') }),
        z.strictObject({ of: z.literal('team'), team: z.string() }),
      ]),
    })
    .nullable(),
});

/** The documents in force as they are understood, not as they were written. */
export const PoliciesInForce = z
  .strictObject({
    hash: z
      .string()
      .meta({ description: 'SHA-256 (hex) of the documents: the policy version in decisions.' }),
    policies: z.array(
      z.strictObject({
        name: z.string(),
        effect: z.enum(['allow', 'deny']),
        description: z.string(),
        match: MATCH,
        when: z.string().nullable().meta({ description: 'A CEL expression.' }),
        terms: TERMS,
      }),
    ),
    profiles: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        image: z.string(),
        imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
        securityContext: z.record(z.string(), z.unknown()).nullable(),
        env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
        shell: z.string(),
        multiplexer: z.enum(MULTIPLEXERS),
        recordInput: z.boolean(),
      }),
    ),
    onCallSources: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        shape: z.enum(ON_CALL_SHAPES),
        host: z.string().meta({
          description: 'Whom it asks. The rest of its URL, which may hold a token, is not shown.',
        }),
        match: z.enum(ON_CALL_MATCHES).meta({ description: 'By what it names people.' }),
        maxAgeSeconds: seconds.meta({ description: 'How long an answer is used.' }),
        staleForSeconds: seconds.meta({
          description: 'How old an answer may be while no newer one can be had.',
        }),
      }),
    ),
  })
  .meta({ id: 'PoliciesInForce' });
export type PoliciesInForce = z.infer<typeof PoliciesInForce>;
