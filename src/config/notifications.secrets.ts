import { createHash } from 'node:crypto';
import { isSecureUrl } from '../domain/secure-url.js';
import { WEBHOOK_SECRET, WEBHOOK_SECRET_RULE } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import type {
  ChannelConfig,
  ChannelDocument,
  NotificationsConfig,
  NotificationsDocument,
} from './notifications.section.js';
import { PAGERDUTY_EVENTS_URL } from './notifications.section.js';
import type { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { CA, secretIn, textIn } from './secret.files.js';

const TLS_PORT = 465;
const STARTTLS_PORT = 587;

/** What the file of each kind holds. */
const HELD: Readonly<Record<ChannelDocument['kind'], Held>> = {
  webhook: {
    isRight: (text) => WEBHOOK_SECRET.test(text),
    sentence: `what it holds ${WEBHOOK_SECRET_RULE}`,
  },
  teams: {
    isRight: (text) => text.length <= 4096 && isSecureUrl(text),
    sentence: 'what it holds must be the https address of a workflow',
  },
  email: {
    isRight: (text) => text.length <= 1024,
    sentence: 'what it holds must be a password of 1024 characters at most',
  },
  pagerduty: {
    isRight: (text) => /^[A-Za-z0-9]{32}$/.test(text),
    sentence: 'what it holds must be an integration key: 32 letters and digits',
  },
};

/** Channels with what is in their files; what is wrong with those goes to `mistakes`. */
export function notificationsOf(
  { channels, subscriptions, giveUpDays }: NotificationsDocument,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): NotificationsConfig {
  const read = (index: number) => {
    const { kind, secretFile, caFile } = channels[index] ?? {};
    const at = ['notifications', 'channels', index];
    const held =
      kind === undefined || secretFile === undefined
        ? undefined
        : secretIn(secretFile, HELD[kind], [...at, 'secretFile'], sources, mistakes);
    const caPem =
      caFile === undefined ? null : textIn(caFile, CA, [...at, 'caFile'], sources, mistakes);
    return { held, caPem: caPem ?? null };
  };
  return {
    giveUpDays,
    subscriptions,
    channels: channels.flatMap((channel, index) => {
      const found = channelOf(channel, read(index));
      return found === undefined ? [] : [found];
    }),
  };
}

/** @returns undefined where something is missing, which the schema or a mistake has told of. */
function channelOf(
  channel: ChannelDocument,
  { held, caPem }: { readonly held: Secret | undefined; readonly caPem: string | null },
): ChannelConfig | undefined {
  const { name, kind, url, allowPrivate = false, host, from, to, user } = channel;
  const http = { name, caPem, allowPrivate };
  if (kind === 'email') {
    if (host === undefined || from === undefined || to === undefined) return undefined;
    const { security = 'starttls', port = security === 'tls' ? TLS_PORT : STARTTLS_PORT } = channel;
    const auth = user === undefined || held === undefined ? null : { user, password: held };
    if (user !== undefined && auth === null) return undefined;
    const fingerprint = fingerprintOf(kind, host, `${port}`, security, from, ...to);
    const domain = from.slice(from.lastIndexOf('@') + 1);
    return { name, caPem, fingerprint, kind, host, port, security, auth, from, to, domain };
  }
  if (held === undefined) return undefined;
  // It stays as it was at the start when a secret is renewed: it is the same channel.
  const text = held.reveal();
  if (kind === 'teams') {
    return { ...http, kind, workflowUrl: held, fingerprint: fingerprintOf(kind, text) };
  }
  if (kind === 'pagerduty') {
    const at = url ?? PAGERDUTY_EVENTS_URL;
    const fingerprint = fingerprintOf(kind, at, text);
    return { ...http, kind, url: at, routingKey: held, fingerprint };
  }
  if (url === undefined) return undefined;
  return { ...http, kind, url, secret: held, fingerprint: fingerprintOf(kind, url, text) };
}

/** Tells one from another and gives none away: what goes in is long and random, or no secret. */
function fingerprintOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
