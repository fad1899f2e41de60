import { readableFile } from './adapters/files/file.examiner.js';
import { heardOf } from './adapters/metrics/heard.reader.js';
import type { Listener } from './adapters/net/reach.js';
import { listenerOf, reach } from './adapters/net/reach.js';
import { examineIssuer, issuerClock } from './adapters/oidc/issuer.examiner.js';
import { DatabaseExaminer } from './adapters/prisma/database.examiner.js';
import { SlackExaminer } from './adapters/slack/slack.examiner.js';
import type { Check } from './app/doctor/examine.js';
import type { Config, DatabaseConfig } from './config/config.schema.js';
import type { ChannelConfig } from './config/notifications.section.js';
import type { S3Config } from './config/recordings.section.js';
import type { SinkConfig } from './config/sinks.section.js';
import { anchorFacts } from './doctor.anchors.js';
import { judgeClock, judgeHeard, judgeImage } from './domain/doctor/cluster.verdicts.js';
import { ok, Unseen, unknown, warning } from './domain/doctor/finding.js';
import {
  judgeAnchor,
  judgeCertificate,
  judgeCollector,
  judgeDatabase,
  judgeIssuer,
  judgeKeyFile,
  judgeReach,
  judgeRole,
  judgeSlack,
  judgeSlackApp,
  judgeSlackChannel,
  judgeTriggers,
  SLACK_EMAIL_SCOPE,
  SLACK_SCOPES,
} from './domain/doctor/service.verdicts.js';
import type { DebugProfile } from './domain/policy/policy.js';

/** What is looked at of the database. */
export function databaseChecks({ url }: Pick<DatabaseConfig, 'url'>): Check[] {
  const examiner = new DatabaseExaminer(url.reveal());
  const on = placeOf(url.reveal());
  return [
    { name: 'database', on, look: async () => judgeDatabase(await examiner.facts()) },
    { name: 'database-role', on, look: async () => judgeRole(await examiner.role()) },
    { name: 'database-triggers', on, look: async () => judgeTriggers(await examiner.triggers()) },
    { name: 'clock', on, look: async () => judgeClock(await examiner.clock()) },
  ];
}

/** Neither password nor user. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** What is looked at of the images of profiles: by their names, and by how starts went. */
export function imageChecks(
  profiles: readonly DebugProfile[],
  { url }: Pick<DatabaseConfig, 'url'>,
): Check[] {
  const examiner = new DatabaseExaminer(url.reveal());
  return profiles.map((profile) => ({
    name: 'images',
    on: profile.name,
    look: async () => judgeImage(profile, await examiner.pullFailures(profile.image)),
  }));
}

/** What is looked at of everything else that the configuration names, but for clusters. */
export function serviceChecks(config: Config): Check[] {
  return [
    ...config.audit.keyFiles.map((path): Check => ({
      name: 'signing-keys',
      on: path,
      look: async () => judgeKeyFile(await readableFile(path)),
    })),
    ...certificateChecks(config),
    ...anchorChecks(config),
    ...slackChecks(config),
    ...config.identity.issuers.flatMap((issuer): Check[] => [
      {
        name: 'issuer',
        on: issuer.issuer,
        look: async (signal) => judgeIssuer(await examineIssuer(issuer, signal), issuer),
      },
      {
        name: 'clock',
        on: issuer.issuer,
        look: async (signal) => judgeClock(await issuerClock(issuer, signal)),
      },
    ]),
    ...config.notifications.channels.map((channel): Check => ({
      name: 'channels',
      on: channel.name,
      look: async (signal) => judgeReach(await reach(channelListener(channel), signal)),
    })),
    ...config.audit.sinks.map((sink): Check => ({
      name: 'sinks',
      on: sink.name,
      look: async (signal) => judgeReach(await reach(sinkListener(sink), signal)),
    })),
    ...traceChecks(config),
    ...heardChecks(config),
  ];
}

function certificateChecks({ tls, server }: Config): Check[] {
  if (!tls) return [];
  const on = server.tls?.certFile ?? 'server.tls';
  return [{ name: 'certificate', on, look: () => judgeCertificate(tls, new Date()) }];
}

function traceChecks({ tracing: { otlp } }: Config): Check[] {
  if (otlp === null) return [];
  const { endpoint, caPem } = otlp;
  const look: Check['look'] = async (signal) =>
    judgeCollector(await reach(listenerOf(endpoint, caPem), signal));
  return [{ name: 'traces', on: new URL(endpoint).host, look }];
}

function anchorChecks({ audit, database }: Config): Check[] {
  if (audit.anchors.length === 0) {
    const none = warning(
      'there is none',
      'configure one out of the reach of whoever has the database: audit.anchors',
    );
    return [{ name: 'anchors', on: 'audit.anchors', look: () => none }];
  }
  return audit.anchors.map((anchor) => ({
    name: 'anchors',
    on: anchor.name,
    look: async (signal) => judgeAnchor(await anchorFacts(anchor, { audit, database, signal })),
  }));
}

function slackChecks({ slack, slackSecrets }: Config): Check[] {
  if (!slack || !slackSecrets) {
    return [{ name: 'slack', on: 'slack', look: () => ok('it is not configured') }];
  }
  const { teamId, matchEmail, securityChannel } = slack;
  const { botToken, door } = slackSecrets;
  const examiner = new SlackExaminer(slack.apiUrl);
  const scopes = [...SLACK_SCOPES, ...(matchEmail ? [SLACK_EMAIL_SCOPE] : [])];
  return [
    {
      name: 'slack',
      on: 'token of the bot',
      look: async (signal) => judgeSlack(await examiner.bot(botToken, signal), { teamId, scopes }),
    },
    ...(door.mode === 'http'
      ? []
      : [
          {
            name: 'slack' as const,
            on: 'token of the app',
            look: async (signal: AbortSignal) =>
              judgeSlackApp(await examiner.app(door.appToken, signal)),
          },
        ]),
    ...(securityChannel === undefined
      ? []
      : [
          {
            name: 'slack-channel' as const,
            on: securityChannel,
            look: async (signal: AbortSignal) =>
              judgeSlackChannel(await examiner.channel(botToken, securityChannel, signal)),
          },
        ]),
  ];
}

function heardChecks({ clusters, clusterAudits, server }: Config): Check[] {
  return clusters.map(({ name }) => ({
    name: 'audit-webhook',
    on: name,
    look: async (signal) => {
      if (!clusterAudits.some((it) => it.name === name)) return unknown(NOT_HEARD);
      const host = server.host === '0.0.0.0' || server.host === '::' ? '127.0.0.1' : server.host;
      const url = `http://${host}:${server.managementPort}`;
      return judgeHeard(await heardOf(name, url, signal), new Date());
    },
  }));
}

const NOT_HEARD = new Unseen(
  'it is not configured: what goes past Hallpass there is not noticed',
  'configure clusters[].audit (docs/bypass.md)',
);

const HTTPS_PORT = 443;

/** A mail server that begins in the clear is only connected to. */
function channelListener(channel: ChannelConfig): Listener {
  switch (channel.kind) {
    case 'webhook':
    case 'pagerduty':
      return listenerOf(channel.url, channel.caPem);
    case 'teams':
      return listenerOf(channel.workflowUrl.reveal(), channel.caPem);
    case 'email': {
      const { host, port, security, caPem } = channel;
      return { host, port, tls: security === 'tls', caPem };
    }
  }
}

function sinkListener(sink: SinkConfig): Listener {
  switch (sink.kind) {
    case 'webhook':
    case 'splunk':
      return listenerOf(sink.url, sink.caPem);
    case 's3':
      return s3Listener(sink.s3);
    case 'syslog':
      return { host: sink.host, port: sink.port, tls: true, caPem: sink.caPem };
  }
}

function s3Listener({ endpoint, region }: S3Config): Listener {
  return endpoint === null
    ? { host: `s3.${region}.amazonaws.com`, port: HTTPS_PORT, tls: true, caPem: null }
    : listenerOf(endpoint);
}
