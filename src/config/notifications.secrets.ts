import { createHash } from 'node:crypto';
import { isSecureUrl } from '../domain/secure-url.js';
import { WEBHOOK_SECRET } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import type {
  ChannelConfig,
  ChannelDocument,
  NotificationsConfig,
  NotificationsDocument,
} from './notifications.section.js';
import { PAGERDUTY_EVENTS_URL } from './notifications.section.js';
import { Secret } from './secret.js';
import { heldIn } from './secret.files.js';

const TLS_PORT = 465;
const STARTTLS_PORT = 587;

/** What the file of each kind holds. */
const HELD: Readonly<Record<ChannelDocument['kind'], (text: string) => boolean>> = {
  webhook: (text) => WEBHOOK_SECRET.test(text),
  teams: (text) => text.length <= 4096 && isSecureUrl(text),
  email: (text) => text.length > 0 && text.length <= 1024,
  pagerduty: (text) => /^[A-Za-z0-9]{32}$/.test(text),
};

/** Channels with what is in their files; what is wrong with those goes to `mistakes`. */
export function notificationsOf(
  { channels, subscriptions, giveUpDays }: NotificationsDocument,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): NotificationsConfig {
  const read = (
    index: number,
    key: 'secretFile' | 'caFile',
    isRight: (text: string) => boolean,
  ) => {
    const file = channels[index]?.[key];
    if (file === undefined) return undefined;
    const path = ['notifications', 'channels', index, key];
    const sentence = 'does not hold what it should';
    return heldIn(file, { isRight, sentence }, path, sources, mistakes);
  };
  return {
    giveUpDays,
    subscriptions,
    channels: channels.flatMap((channel, index) => {
      const held = read(index, 'secretFile', HELD[channel.kind]);
      const caPem = read(index, 'caFile', (it) => it.includes('-----BEGIN CERTIFICATE-----'));
      const found = channelOf(channel, { held, caPem: caPem ?? null });
      return found === undefined ? [] : [found];
    }),
  };
}

/** @returns undefined where something is missing, which the schema or a mistake has told of. */
function channelOf(
  channel: ChannelDocument,
  { held, caPem }: { readonly held: string | undefined; readonly caPem: string | null },
): ChannelConfig | undefined {
  const { name, kind, url, allowPrivate = false, host, from, to, user } = channel;
  const http = { name, caPem, allowPrivate };
  if (kind === 'email') {
    if (host === undefined || from === undefined || to === undefined) return undefined;
    const { security = 'starttls', port = security === 'tls' ? TLS_PORT : STARTTLS_PORT } = channel;
    const auth =
      user === undefined || held === undefined ? null : { user, password: new Secret(held) };
    if (user !== undefined && auth === null) return undefined;
    const fingerprint = fingerprintOf(kind, host, `${port}`, security, from, ...to);
    const domain = from.slice(from.lastIndexOf('@') + 1);
    return { name, caPem, fingerprint, kind, host, port, security, auth, from, to, domain };
  }
  if (held === undefined) return undefined;
  const secret = new Secret(held);
  if (kind === 'teams') {
    return { ...http, kind, workflowUrl: secret, fingerprint: fingerprintOf(kind, held) };
  }
  if (kind === 'pagerduty') {
    const at = url ?? PAGERDUTY_EVENTS_URL;
    const fingerprint = fingerprintOf(kind, at, held);
    return { ...http, kind, url: at, routingKey: secret, fingerprint };
  }
  if (url === undefined) return undefined;
  return { ...http, kind, url, secret, fingerprint: fingerprintOf(kind, url, held) };
}

/** Tells one from another and gives none away: what goes in is long and random, or no secret. */
function fingerprintOf(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
