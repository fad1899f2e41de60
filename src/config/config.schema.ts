import { z } from 'zod';
import type { AuditConfig } from './audit.section.js';
import { auditSection } from './audit.section.js';
import type { ClusterAudit } from './cluster.audits.js';
import { clustersSection } from './clusters.section.js';
import { databaseSection } from './database.section.js';
import { path } from './fields.js';
import { identitySection } from './identity.section.js';
import type { NotificationsConfig } from './notifications.section.js';
import { notificationsSection } from './notifications.section.js';
import { onCallSection } from './on-call.section.js';
import type { RecordingsConfig } from './recordings.section.js';
import { recordingsSection } from './recordings.section.js';
import type { OnCallSecret, Secret } from './secret.js';
import { serverSection } from './server.section.js';
import { sessionsSection } from './sessions.section.js';
import { slackSection } from './slack.section.js';
import type { SlackSecrets } from './slack.secrets.js';
import type { TlsPair } from './tls.files.js';
import type { WatchedFile } from './watched.file.js';
import type { TracingConfig } from './tracing.section.js';
import { tracingSection } from './tracing.section.js';
import type { WebClientConfig } from './web.clients.js';

/**
 * The configuration, as file and environment give it. The program gets a {@link Config}. Each section is
 * there even where nothing is given, so that what is missing is told key by key.
 */
export const configSchema = z.strictObject({
  server: serverSection
    .prefault({} as never)
    .meta({ description: 'Where and how the API listens.' }),
  database: databaseSection.prefault({} as never).meta({ description: 'Where all state lives.' }),
  identity: identitySection.prefault({} as never).meta({
    description: 'Who is believed, and what roles their groups give.',
  }),
  clusters: clustersSection.meta({ description: 'The clusters in which sessions can be had.' }),
  policies: z
    .strictObject({
      folders: z
        .array(path)
        .min(1, 'name one folder at least')
        .max(100)
        .meta({
          description:
            'The folders of policy documents (`*.yaml`, `*.yml`). They are looked at while Hallpass runs.',
          examples: [['/etc/hallpass/policies']],
        }),
    })
    .prefault({} as never)
    .meta({ description: 'Who may have what.' }),
  onCall: onCallSection.prefault({}).meta({
    description: 'What it takes to ask who is on call. Where to ask is in OnCallSource documents.',
  }),
  sessions: sessionsSection.prefault({}).meta({ description: 'The times that bound a session.' }),
  recordings: recordingsSection.prefault({}).meta({ description: 'Where recordings are kept.' }),
  audit: auditSection.prefault({} as never).meta({ description: 'How the audit log is signed.' }),
  notifications: notificationsSection
    .prefault({})
    .meta({ description: 'Who is told of what happens, and how.' }),
  slack: slackSection.exactOptional().meta({
    description: 'Asking and consenting in Slack. Left out: there is none.',
  }),
  log: z
    .strictObject({
      level: z
        .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
        .meta({ description: 'The least that is logged.', examples: ['debug'] }),
      format: z
        .enum(['json', 'pretty'])
        .default('json')
        .meta({
          description: '`json` for machines, `pretty` for people.',
          examples: ['pretty'],
        }),
    })
    .prefault({})
    .meta({ description: 'What is logged, to standard output.' }),
  tracing: tracingSection.prefault({}).meta({
    description: 'Traces of what is done for each request, by OpenTelemetry: docs/tracing.md.',
  }),
});

export type ConfigDocument = z.output<typeof configSchema>;

/** The database, with what was in files read and what was left out filled in. */
export interface DatabaseConfig {
  readonly url: Secret;
  /** The owner of the tables; null where none was given: what serves needs none. */
  readonly ownerUrl: Secret | null;
  readonly serviceUser: string;
  readonly poolSize: number;
}

export interface OnCallConfig {
  /** By the names that OnCallSource documents call them. */
  readonly secrets: ReadonlyMap<string, OnCallSecret>;
}

/** What the program runs by: checked, complete, paths absolute. */
export interface Config extends Omit<
  ConfigDocument,
  'audit' | 'database' | 'notifications' | 'onCall' | 'recordings' | 'tracing'
> {
  readonly audit: AuditConfig;
  readonly clusterAudits: readonly ClusterAudit[];
  readonly database: DatabaseConfig;
  readonly notifications: NotificationsConfig;
  readonly onCall: OnCallConfig;
  readonly recordings: RecordingsConfig;
  readonly tracing: TracingConfig;
  readonly webClients: readonly WebClientConfig[];
  /** Null: Slack is neither spoken to nor heard. */
  readonly slackSecrets: SlackSecrets | null;
  /** What is served with; null: plain HTTP. */
  readonly tls: TlsPair | null;
  /** All files that were read but for the configuration itself, policies and kubeconfigs. */
  readonly files: readonly WatchedFile[];
}
