import { z } from 'zod';
import { OWNER_KINDS } from '../domain/policy/facts.js';
import { DURATION_SECONDS_MAX } from './session.schema.js';
import { dnsLabel, dnsSubdomain, line, prose } from './text.schema.js';

/** What a simulated session lasts where nothing is said. */
const DURATION_SECONDS_DEFAULT = 900;
const LIST_MAX = 500;

/** The doors that people come through; `system` is none. */
const DOORS = ['api', 'slack', 'console', 'cli', 'kubectl'] as const;

const count = z.int().min(0).max(1_000_000);
const groups = z.array(line(256)).max(LIST_MAX).default([]);

function texts(keyCharactersMax: number, valueCharactersMax: number) {
  return z
    .record(z.string().max(keyCharactersMax), z.string().max(valueCharactersMax))
    .refine((it) => Object.keys(it).length <= LIST_MAX, `must be ${LIST_MAX} keys at most`)
    .default({});
}

/** Somebody who might ask, as their token would say. */
export const SituationPerson = z
  .strictObject({
    subject: line(512).meta({ description: 'Who they are at their issuer: `sub`.' }),
    issuer: z.string().max(2048).default('').meta({ description: '`iss`.' }),
    email: z.string().max(512).default(''),
    groups: groups.meta({ description: 'Their groups, as the issuer names them.' }),
    claims: texts(256, 2048).meta({
      description: 'Claims that the configuration lets through, each as a text.',
    }),
    acr: z.string().max(256).default('').meta({ description: 'How strongly they signed in.' }),
    amr: z.array(z.string().max(256)).max(50).default([]).meta({
      description: 'By which methods they signed in (RFC 8176).',
    }),
    authAgeSeconds: count.nullable().default(null).meta({
      description: 'How long ago they signed in. Left out: the token does not say.',
    }),
  })
  .meta({ id: 'SituationPerson' });

const container = z.strictObject({
  name: dnsLabel(),
  image: z.string().max(1024).default(''),
  digest: z.string().max(256).default(''),
  ready: z.boolean().default(true),
  restarts: count.default(0),
});

/** A Pod as the cluster would show it; what is left out is plain: a ready Pod without labels that belongs to nothing. */
export const SituationFound = z
  .strictObject({
    namespaceLabels: texts(317, 63),
    namespaceAnnotations: texts(317, 262_144),
    pod: dnsSubdomain().default('pod'),
    labels: texts(317, 63),
    annotations: texts(317, 262_144),
    owner: z
      .strictObject({ kind: z.enum(OWNER_KINDS), name: dnsSubdomain() })
      .exactOptional()
      .meta({ description: 'What the Pod belongs to. Left out: to nothing.' }),
    phase: z.string().max(32).default('Running'),
    ready: z.boolean().default(true),
    restarts: count.default(0).meta({ description: 'Of all its containers together.' }),
    containers: z.array(container).max(100).default([]),
    node: z.string().max(253).default('node'),
  })
  .meta({ id: 'SituationFound' });

export const SituationTarget = z
  .strictObject({
    cluster: dnsSubdomain(),
    namespace: dnsLabel(),
    found: SituationFound.exactOptional().meta({
      description:
        'What only the cluster could tell. Left out: it is not known, and rules that depend on it allow nothing.',
    }),
  })
  .meta({ id: 'SituationTarget' });

export const SituationRequest = z
  .strictObject({
    profile: dnsSubdomain(),
    durationSeconds: z.int().min(1).max(DURATION_SECONDS_MAX).default(DURATION_SECONDS_DEFAULT),
    reason: prose(2000).or(z.literal('')).default('').meta({ description: 'Left out: none.' }),
    ticket: line(200).or(z.literal('')).default('').meta({ description: 'Left out: none.' }),
    container: dnsLabel().or(z.literal('')).default('').meta({ description: 'Left out: none.' }),
    breakGlass: z.boolean().default(false),
    channel: z.enum(DOORS).default('api'),
  })
  .meta({ id: 'SituationRequest' });

const counts = z
  .strictObject({
    open: count.default(0),
    lastHour: count.default(0),
    lastDay: count.default(0),
    lastWeek: count.default(0),
  })
  .prefault({});

export const SituationHistory = z
  .strictObject({
    mine: counts.meta({ description: 'Sessions of this person.' }),
    target: counts.meta({ description: 'Sessions on this Pod, of anybody.' }),
    overdueReviews: z
      .strictObject({
        mine: count.default(0),
        byTeam: z
          .record(z.string().max(253), count)
          .refine((it) => Object.keys(it).length <= LIST_MAX, `must be ${LIST_MAX} keys at most`)
          .default({}),
      })
      .prefault({}),
  })
  .meta({ id: 'SituationHistory', description: 'Sessions, counted. Left out: none.' });

const onCall = z
  .record(z.string().max(253), z.union([z.boolean(), z.literal('unknown')]))
  .refine((it) => Object.keys(it).length <= LIST_MAX, `must be ${LIST_MAX} keys at most`)
  .default({})
  .meta({
    description:
      'Whether they are on call, by the name of the OnCallSource. No source is asked: what is left out is unknown.',
  });

/** What everything that is made up has, besides who asks and for what. */
export const SITUATION = {
  request: SituationRequest,
  onCall,
  history: SituationHistory.prefault({}),
  now: z.iso.datetime({ offset: true }).exactOptional().meta({
    description: 'When it is. Left out: now.',
  }),
};

/** A request as somebody might make it, with all the facts that policy would look at. */
export const Situation = z.strictObject({
  person: SituationPerson,
  target: SituationTarget,
  ...SITUATION,
});
export type Situation = z.output<typeof Situation>;
