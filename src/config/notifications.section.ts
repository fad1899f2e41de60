import { z } from 'zod';
import type { NoticeKind } from '../domain/notice/notice.kinds.js';
import { noticeRow, SUBSCRIBED_KINDS } from '../domain/notice/notice.kinds.js';
import type { Subscription } from '../domain/notice/subscription.js';
import { isSecureUrl, SECURE_URL_RULE } from '../domain/secure-url.js';
import { eachOnce, onLists, onObjects, path, port, text } from './fields.js';
import type { Secret } from './secret.js';

const KINDS = ['webhook', 'teams', 'email', 'pagerduty'] as const;
type ChannelKind = (typeof KINDS)[number];

/** The name of the channel that `slack.securityChannel` is. */
export const SLACK_SECURITY = 'slack-security';

const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';

/** Keys that a kind needs, and those that it may have besides what all have. */
const KEYS: Readonly<
  Record<ChannelKind, { readonly needs: readonly string[]; readonly may: readonly string[] }>
> = {
  webhook: { needs: ['url', 'secretFile'], may: ['allowPrivate', 'caFile'] },
  teams: { needs: ['secretFile'], may: ['allowPrivate', 'caFile'] },
  email: {
    needs: ['host', 'from', 'to'],
    may: ['port', 'security', 'user', 'secretFile', 'caFile'],
  },
  pagerduty: { needs: ['secretFile'], may: ['url', 'allowPrivate', 'caFile'] },
};
const OF_KINDS = ['url', 'secretFile', 'caFile', 'allowPrivate', 'host', 'port', 'security'].concat(
  ['user', 'from', 'to'],
);

const address = z.email('must be an e-mail address').max(254);

const channel = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be of a-z, 0-9 and -, 63 at most')
      .refine((it) => it !== SLACK_SECURITY, 'is the name of what `slack.securityChannel` is')
      .meta({
        description: 'Its name, by which subscriptions and the database know it.',
        examples: ['security-mail'],
      }),
    kind: z.enum(KINDS).meta({
      description:
        'What it is: a webhook (Standard Webhooks), a channel of Microsoft Teams by a workflow, e-mail by SMTP, or PagerDuty.',
      examples: ['email'],
    }),
    url: text(2048)
      .refine(isSecureUrl, SECURE_URL_RULE)
      .exactOptional()
      .meta({
        description: `Of a webhook its address; of PagerDuty where it takes events, by default \`${PAGERDUTY_URL}\`.`,
        examples: ['https://tickets.example.com/hooks/hallpass'],
      }),
    secretFile: path.exactOptional().meta({
      description:
        'A file that holds the secret of a webhook (`whsec_…`), the address of the workflow of Teams, the password of `user`, or the routing key of PagerDuty.',
      examples: ['/run/secrets/tickets-webhook'],
    }),
    caFile: path.exactOptional().meta({
      description: 'The certificates that its own is checked with, where they are not public ones.',
      examples: ['/etc/hallpass/mail-ca.pem'],
    }),
    allowPrivate: z
      .boolean()
      .exactOptional()
      .meta({
        description:
          'Whether it may be at an address that is not of the public Internet. False by default: then whatever its name leads to inside the network is not asked.',
        examples: [true],
      }),
    host: text(253)
      .exactOptional()
      .meta({ description: 'Of a mail server.', examples: ['smtp.example.com'] }),
    port: port
      .min(1)
      .exactOptional()
      .meta({
        description: 'Of a mail server; 465 for `tls`, 587 otherwise, by default.',
        examples: [587],
      }),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .exactOptional()
      .meta({
        description:
          'How mail is kept from others on its way: `starttls` (the default) and `tls` send nothing where the server has no TLS; `none` is for a server on the same machine.',
        examples: ['tls'],
      }),
    user: text(320)
      .exactOptional()
      .meta({ description: 'Who signs in to a mail server.', examples: ['hallpass'] }),
    from: address
      .exactOptional()
      .meta({ description: 'Whom mails come from.', examples: ['hallpass@example.com'] }),
    to: z
      .array(address)
      .min(1, 'name one at least')
      .max(50)
      .exactOptional()
      .meta({ description: 'Whom mails go to.', examples: [['security@example.com']] }),
  })
  .superRefine((it: Readonly<Record<string, unknown>>, context) => {
    const kind = KINDS.find((name) => name === it['kind']);
    if (kind === undefined) return;
    const { needs, may } = KEYS[kind];
    for (const key of OF_KINDS) {
      const isThere = it[key] !== undefined;
      const message =
        !isThere && needs.includes(key)
          ? `is missing: a channel of the kind ${kind} needs it`
          : isThere && !needs.includes(key) && !may.includes(key)
            ? `is nothing for a channel of the kind ${kind}`
            : undefined;
      if (message !== undefined) context.addIssue({ code: 'custom', path: [key], message });
    }
  }, onObjects)
  .refine(
    (it) => it.kind !== 'email' || (it.user === undefined) === (it.secretFile === undefined),
    {
      ...onObjects,
      path: ['user'],
      error: 'give both of user and secretFile, or none',
    },
  )
  .refine((it) => it.security !== 'none' || it.user === undefined, {
    ...onObjects,
    path: ['security'],
    error: 'must not be none where there is a password: everybody on the way could read it',
  });

const patterns = (what: string) =>
  z
    .array(text(253))
    .min(1, 'name one at least')
    .max(100)
    .default(['*'])
    .meta({
      description: `Only what happens in these ${what}; \`*\` stands for anything. What happens in none is told all the same.`,
      examples: [['prod-*']],
    });

const subscription = z.strictObject({
  channel: text(63).meta({ description: 'The name of a channel.', examples: ['security-mail'] }),
  events: z
    .array(z.enum(SUBSCRIBED_KINDS))
    .min(1, 'name one at least')
    .max(100)
    .meta({
      description: 'What it is told of. docs/notifications.md says what each is.',
      examples: [['break-glass', 'review.overdue']],
    }),
  clusters: patterns('clusters'),
  namespaces: patterns('namespaces'),
  autoGranted: z
    .boolean()
    .default(false)
    .meta({
      description:
        'Whether it is told of the ordinary life of sessions that policy alone let in as well.',
      examples: [true],
    }),
});

export const notificationsSection = z
  .strictObject({
    channels: z
      .array(channel)
      .max(50)
      .default([])
      .superRefine(eachOnce('name'), onLists)
      .meta({ description: 'Where people are told.' }),
    subscriptions: z
      .array(subscription)
      .max(500)
      .default([])
      .meta({ description: 'Which channel is told of what.' }),
    giveUpDays: z
      .int()
      .min(1)
      .max(30)
      .default(3)
      .meta({
        description: 'For how many days it is tried to tell something, before it is given up.',
        examples: [7],
      }),
  })
  .superRefine(({ channels, subscriptions }, context) => {
    if (!Array.isArray(channels) || !Array.isArray(subscriptions)) return;
    for (const [index, { channel: name, events }] of subscriptions.entries()) {
      const found = channels.find((it) => it?.name === name);
      const at = ['subscriptions', index];
      if (!found && typeof name === 'string') {
        context.addIssue({ code: 'custom', path: [...at, 'channel'], message: 'is no channel' });
      }
      if (found?.kind === 'pagerduty' && Array.isArray(events) && !events.every(isWaking)) {
        context.addIssue({
          code: 'custom',
          path: [...at, 'events'],
          message: `may for PagerDuty be ${SUBSCRIBED_KINDS.filter(isWaking).join(', ')} only: nothing else is to wake somebody`,
        });
      }
    }
  }, onObjects);

function isWaking(kind: NoticeKind): boolean {
  return noticeRow(kind).urgency === 'wake';
}

export type NotificationsDocument = z.output<typeof notificationsSection>;
export type ChannelDocument = NotificationsDocument['channels'][number];

interface Common {
  readonly name: string;
  readonly caPem: string | null;
  /** Changes with where it is. */
  readonly fingerprint: string;
}

interface OverHttp extends Common {
  readonly allowPrivate: boolean;
}

/** A channel, its secrets and certificates read. */
export type ChannelConfig =
  | (OverHttp & { readonly kind: 'webhook'; readonly url: string; readonly secret: Secret })
  | (OverHttp & { readonly kind: 'teams'; readonly workflowUrl: Secret })
  | (OverHttp & { readonly kind: 'pagerduty'; readonly url: string; readonly routingKey: Secret })
  | (Common & {
      readonly kind: 'email';
      readonly host: string;
      readonly port: number;
      readonly security: 'starttls' | 'tls' | 'none';
      readonly auth: { readonly user: string; readonly password: Secret } | null;
      readonly from: string;
      readonly to: readonly string[];
      /** Of Message-IDs: that of `from`. */
      readonly domain: string;
    });

export type ChannelOf<Kind extends ChannelKind> = Extract<ChannelConfig, { readonly kind: Kind }>;

export interface NotificationsConfig {
  readonly channels: readonly ChannelConfig[];
  readonly subscriptions: readonly Subscription[];
  readonly giveUpDays: number;
}

export const PAGERDUTY_EVENTS_URL = PAGERDUTY_URL;
