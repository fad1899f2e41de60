import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { configProblemText, isConfigProblem } from '../../src/config/config.problem.js';
import type { Config } from '../../src/config/config.schema.js';
import { loadConfig } from '../../src/config/load.config.js';
import { makeKey } from '../../src/domain/audit/signed.note.js';
import { RESOURCE } from '../identity/hallpass.api.js';
import { PEOPLE } from '../identity/people.js';
import { CLI_CLIENT_ID, SCOPES, WEB_CLIENT_ID } from '../identity/provider.configuration.js';
import { PROJECT_ROOT } from '../project.root.js';

const POLICIES = join(PROJECT_ROOT, 'sandbox', 'policies');

/** Whoever tries things asks more often than people do. */
const UNBOUNDED = { person: 1_000_000, address: 1_000_000, all: 1_000_000 };

/** The name under which brokers of the sandbox know its cluster. */
export const CLUSTER_NAME = 'sandbox';

/** The name of the audit log of the sandbox. */
const LOG = 'hallpass.sandbox/audit';

/** Makes a key for the audit log, the sandbox's or one of another name. @returns its file, in the folder. */
export async function writeAuditKey(folder: string, origin = LOG): Promise<string> {
  const path = join(folder, origin === LOG ? 'audit.key' : 'audit.new.key');
  await writeFile(path, `${makeKey(origin).signer}\n`, { mode: 0o600 });
  return path;
}

/** Where {@link fileAnchor} puts checkpoints in a folder. */
export const ANCHOR_FILE = 'checkpoints.jsonl';

/** An anchor that is a file of the folder. It stands for a medium that is written once: here everybody can write it. */
export function fileAnchor(folder: string): object {
  return { name: 'sandbox', kind: 'file', everySeconds: 2, file: join(folder, ANCHOR_FILE) };
}

/** The files of a certificate, and of the authority that made it. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** What stands around a broker of the sandbox. */
export interface Surroundings {
  /** Where the configuration is written. */
  readonly folder: string;
  readonly databaseUrl: string;
  readonly identity: { readonly issuer: string; readonly audience: string };
  /** Whose accounts are one human's; nobody's by default. */
  readonly humans?: Config['identity']['people'];
  /** A kubeconfig file of the broker's account. */
  readonly kubeconfig: string;
  /** The namespaces that it may touch. */
  readonly namespaces: readonly string[];
  /** Clusters besides that one, as the configuration has them. */
  readonly otherClusters?: readonly object[];
  /** A folder of documents, or several; the sandbox's own by default. */
  readonly policies?: string | readonly string[];
  /** The file of the key that signs the audit log; one of its own by default. */
  readonly auditKey?: string;
  /** A log of another name than the sandbox's, which goes on from one that these keys have signed. */
  readonly auditLog?: { readonly origin: string; readonly formerKeys: readonly string[] };
  /** As the configuration has them; none by default. */
  readonly anchors?: readonly object[];
  /** Where the audit log is delivered to, as the configuration has it; nowhere by default. */
  readonly sinks?: readonly object[];
  /** Where people are told, as the configuration has it; nowhere by default. */
  readonly notifications?: object;
  /** How the API server's audit log is looked at, as the configuration has it; not at all by default. */
  readonly clusterAudit?: object;
  /** As the configuration has it; none by default. */
  readonly slack?: object;
  /** How the broker acts in people's names, as the configuration has it; it does not by default. */
  readonly impersonate?: object;
  readonly sessions?: Partial<Config['sessions']>;
  readonly server?: {
    /** Where kubectl is to reach the broker, it must be known before. */
    readonly port?: number;
    readonly managementPort?: number;
    /** 0 by default: nobody balances what goes to brokers of the sandbox. */
    readonly drainSeconds?: number;
    readonly graceSeconds?: number;
    /** Serve HTTPS by these files. Without that of the authority, kubeconfigs name none. */
    readonly tls?: Omit<TlsFiles, 'caFile'> & Partial<TlsFiles>;
  };
  readonly log?: Partial<Config['log']>;
  /** As the configuration has it; no traces by default. */
  readonly tracing?: object;
}

/** A configuration file, and what the program reads from it. */
export interface WrittenConfig {
  readonly path: string;
  readonly config: Config;
}

/** Writes a configuration file for the surroundings, readable by its owner alone, and loads it as the program does. */
export async function writeBrokerConfig(around: Surroundings): Promise<WrittenConfig> {
  const { server = {}, sessions = {}, log = {} } = around;
  const { port = 0, tls } = server;
  const path = join(around.folder, 'hallpass.yaml');
  await mkdir(around.folder, { recursive: true });
  const auditKey = around.auditKey ?? (await writeAuditKey(around.folder));
  const text = stringify({
    server: {
      host: '127.0.0.1',
      port,
      managementPort: server.managementPort ?? 0,
      drainSeconds: server.drainSeconds ?? 0,
      ...(server.graceSeconds === undefined ? {} : { graceSeconds: server.graceSeconds }),
      publicUrl: `${tls ? 'https' : 'http'}://127.0.0.1:${port === 0 ? 8080 : port}`,
      ...(tls ? { tls: { certFile: tls.certFile, keyFile: tls.keyFile } } : {}),
      ...(tls?.caFile === undefined ? {} : { caFile: tls.caFile }),
    },
    database: { url: around.databaseUrl, poolSize: 10 },
    identity: {
      issuers: [
        {
          issuer: around.identity.issuer,
          audience: around.identity.audience,
          cli: { clientId: CLI_CLIENT_ID, scopes: SCOPES, resource: RESOURCE },
          web: { clientId: WEB_CLIENT_ID, scopes: [...SCOPES], resource: RESOURCE },
        },
      ],
      people: around.humans ?? [],
      roles: {
        requester: PEOPLE.requester.groups,
        approver: PEOPLE.approver.groups,
        auditor: PEOPLE.auditor.groups,
        admin: PEOPLE.admin.groups,
      },
    },
    clusters: [
      {
        name: CLUSTER_NAME,
        kubeconfig: around.kubeconfig,
        namespaces: around.namespaces,
        ...(around.clusterAudit === undefined ? {} : { audit: around.clusterAudit }),
        ...(around.impersonate === undefined ? {} : { impersonate: around.impersonate }),
      },
      ...(around.otherClusters ?? []),
    ],
    policies: { folders: [around.policies ?? POLICIES].flat() },
    sessions: { asksPerMinute: UNBOUNDED, ...sessions },
    audit: {
      ...(around.auditLog ?? { origin: LOG }),
      keyFiles: [auditKey],
      everyMilliseconds: 50,
      anchors: around.anchors ?? [],
      ...(around.sinks === undefined ? {} : { sinks: around.sinks }),
    },
    ...(around.notifications === undefined ? {} : { notifications: around.notifications }),
    ...(around.slack === undefined ? {} : { slack: around.slack }),
    log: { level: 'warn', ...log },
    tracing: around.tracing ?? {},
  });
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
  const config = loadConfig({ HALLPASS_CONFIG: path });
  if (isConfigProblem(config)) throw new Error(configProblemText(config));
  return { path, config };
}
