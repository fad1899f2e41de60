import { z } from 'zod';
import { LABEL_GLOB, LABEL_GLOB_RULE } from '../domain/kubernetes-name.js';
import { OWNER_KINDS } from '../domain/policy/facts.js';
import { SELECTOR_OPERATORS, WEEKDAYS } from '../domain/policy/policy.js';
import { isTimeZone } from '../domain/policy/time.window.js';
import { onObjects } from './document.schema.js';
import { group, users } from './people.schema.js';

const LIST_MAX = 200;

const globs = z.array(z.string().regex(LABEL_GLOB, LABEL_GLOB_RULE)).min(1).max(LIST_MAX);
/** Workloads and Pods are named by DNS subdomains, with dots. */
const nameGlobs = z
  .array(
    z
      .string()
      .regex(
        /^[a-z0-9*.-]{1,253}$/,
        "must be a name or a pattern of lower-case letters, digits, '-', '.' and '*'",
      ),
  )
  .min(1)
  .max(LIST_MAX);

/** A label's key (Kubernetes "Labels and Selectors": prefix/name) and value. */
const labelKey = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be the key of a label',
  );
const labelValue = z
  .string()
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
    'must be the value of a label: at most 63 letters, digits, -, _ and .',
  );

/** Kubernetes' own LabelSelector (meta/v1). An empty one would select all, which is said by leaving it out. */
export const labelSelector = z
  .strictObject({
    matchLabels: z
      .record(labelKey, labelValue)
      .refine((it) => Object.keys(it).length <= LIST_MAX, `must be ${LIST_MAX} labels at most`)
      .default({})
      .meta({ description: 'Labels that must be there, with these values.' }),
    matchExpressions: z
      .array(
        z
          .strictObject({
            key: labelKey.meta({ description: 'The key of a label.' }),
            operator: z.enum(SELECTOR_OPERATORS).meta({
              description: 'What of the label must hold.',
            }),
            values: z.array(labelValue).max(LIST_MAX).default([]).meta({
              description: 'With `In` and `NotIn`.',
            }),
          })
          .refine(
            ({ operator, values }) =>
              (operator === 'In' || operator === 'NotIn') === (values ?? []).length > 0,
            {
              ...onObjects,
              path: ['values'],
              error: 'must be given with In and NotIn, and with nothing else',
            },
          ),
      )
      .max(LIST_MAX)
      .default([])
      .meta({ description: 'What else must hold of labels.' }),
  })
  .refine(
    (it) => Object.keys(it.matchLabels ?? {}).length > 0 || (it.matchExpressions ?? []).length > 0,
    { ...onObjects, error: 'must select by something: leave it out to mean all' },
  );

const CLOCK = /^([01]\d|2[0-3]):([0-5]\d)$/;
const clock = z
  .string()
  .regex(CLOCK, 'must be a time of day such as 09:00, in quotes')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const timeWindow = z.strictObject({
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'must be a time zone such as Europe/Berlin or UTC')
    .meta({ description: 'An IANA time zone.' }),
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .default([...WEEKDAYS])
    .meta({ description: 'The days on which it begins.' }),
  from: clock.default(0).meta({ description: 'When it begins, as `09:00`.' }),
  to: clock.default(0).meta({
    description:
      'When it ends, not included, as `17:30`. Where that is not later than `from`, on the next day.',
  }),
});

const workload = z.strictObject({
  kinds: z
    .array(z.enum(OWNER_KINDS))
    .min(1)
    .default([...OWNER_KINDS])
    .meta({
      description:
        'What the Pod belongs to, of Kubernetes’ own API groups `apps` and `batch`; `Pod`: to nothing.',
    }),
  names: nameGlobs.default(['*']).meta({
    description: 'Names or patterns of the workload, or of a Pod that belongs to none.',
  }),
  podSelector: labelSelector.exactOptional().meta({ description: 'By the labels of the Pod.' }),
});

/** Whom and what a rule is for: all parts must hold, within a list any. */
export const matchSchema = z
  .strictObject({
    groups: z.array(group).min(1).max(LIST_MAX).exactOptional().meta({
      description: 'People in any of these groups. `*` is everybody signed in.',
    }),
    users: users.min(1).exactOptional().meta({
      description: 'These people as well, by subject, or by `issuer|subject`.',
    }),
    clusters: globs.default(['*']).meta({ description: 'Which clusters, by name or pattern.' }),
    namespaces: globs.exactOptional().meta({
      description: 'Which namespaces, by name or pattern. Needed unless a selector chooses them.',
    }),
    namespaceSelector: labelSelector.exactOptional().meta({
      description: 'Which namespaces, by their labels.',
    }),
    workloads: z
      .array(workload)
      .min(1)
      .max(LIST_MAX)
      .exactOptional()
      .meta({ description: 'Which workloads; any of these. Left out: all.' }),
    profiles: globs.default(['*']).meta({ description: 'Which profiles, by name or pattern.' }),
    times: z
      .array(timeWindow)
      .min(1)
      .max(LIST_MAX)
      .exactOptional()
      .meta({ description: 'When; in any of these. Left out: always.' }),
  })
  .refine((it) => it.groups !== undefined || it.users !== undefined, {
    ...onObjects,
    path: ['groups'],
    error: 'must say whom it concerns: groups, users or both',
  })
  .refine((it) => it.namespaces !== undefined || it.namespaceSelector !== undefined, {
    ...onObjects,
    path: ['namespaces'],
    error: 'must say where: namespaces, namespaceSelector or both',
  });
export type MatchDocument = z.output<typeof matchSchema>;
export type LabelSelectorDocument = z.output<typeof labelSelector>;
