import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { auditOf } from './audit.keys.js';
import { clusterAuditsOf } from './cluster.audits.js';
import { isPostgresUrl, POSTGRES_URL_RULE } from './address.rules.js';
import type { ConfigMistake, ConfigProblem } from './config.problem.js';
import { describeConfig, namesAt, variableOf } from './config.keys.js';
import type { Config, ConfigDocument, DatabaseConfig } from './config.schema.js';
import { configSchema } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readSources, unreadable } from './config.sources.js';
import type { Environment } from './environment.js';
import { issueSentences, pathText } from './issue.sentences.js';
import { nearestName } from '../domain/nearest.name.js';
import { notificationsOf } from './notifications.secrets.js';
import { recordingsOf } from './recordings.secrets.js';
import { Secret } from './secret.js';
import { slackSecretsOf } from './slack.secrets.js';
import { tlsOf } from './tls.files.js';
import { tracingOf } from './tracing.secrets.js';
import { webClientsOf } from './web.clients.js';
import { readOnCallSecrets, secretIn } from './secret.files.js';

/**
 * Reads the YAML file that `HALLPASS_CONFIG` names and the variables over it, and checks all of it, the files it names
 * included. Asks neither database, issuer nor cluster.
 *
 * @returns the configuration, or every mistake that it has.
 */
export function loadConfig(env: Environment = process.env): Config | ConfigProblem {
  const sources = readSources(env);
  const parsed = configSchema.safeParse(sources.tree);
  const onCall = readOnCallSecrets(at(sources.tree, ['onCall', 'secrets']), sources);
  const mistakes = [
    ...sources.mistakes,
    ...schemaMistakes(sources, parsed.error),
    ...onCall.mistakes,
  ];
  if (!parsed.success) {
    return { mistakes: [...mistakes, ...fileMistakes(sources, sources.tree)] };
  }
  const document = withAbsolutePaths(parsed.data, sources.folder);
  mistakes.push(...fileMistakes(sources, document));
  // What serves does not hold the password of the role that owns the tables, nor needs to be able to read it.
  const { ownerUrl: _, ownerUrlFile: __, ...served } = document.database;
  const database = databaseOf(served, sources, mistakes);
  const recordings = recordingsOf(document.recordings, sources, mistakes);
  const audit = auditOf(document, sources, mistakes);
  const clusterAudits = clusterAuditsOf(document, sources, mistakes);
  const notifications = notificationsOf(document.notifications, sources, mistakes);
  const tracing = tracingOf(document.tracing, sources, mistakes);
  const webClients = webClientsOf(document, sources, mistakes);
  const slackSecrets = slackSecretsOf(document, sources, mistakes);
  const tls = tlsOf(document, sources, mistakes);
  return mistakes.length > 0 || !database
    ? { mistakes: eachOnce(mistakes) }
    : {
        ...document,
        audit,
        clusterAudits,
        database,
        notifications,
        onCall: { secrets: onCall.secrets },
        recordings,
        tracing,
        webClients,
        slackSecrets,
        tls,
        files: sources.files,
      };
}

/** What is looked at twice is told of once. */
function eachOnce(mistakes: readonly ConfigMistake[]): ConfigMistake[] {
  return mistakes.filter(
    ({ path, message }, at) =>
      mistakes.findIndex((it) => it.path === path && it.message === message) === at,
  );
}

/** The part of {@link loadConfig} that migrations need: only the section `database`, only its mistakes. */
export function loadDatabaseConfig(env: Environment = process.env): DatabaseConfig | ConfigProblem {
  const sources = readSources(env);
  const parsed = z.looseObject({ database: configSchema.shape.database }).safeParse(sources.tree);
  const mistakes = [
    ...sources.mistakes.filter(({ path, where }) => path.startsWith('database') || isFile(where)),
    ...schemaMistakes(sources, parsed.error),
  ];
  if (!parsed.success) return { mistakes };
  const database = databaseOf(parsed.data.database, sources, mistakes);
  return mistakes.length > 0 || !database ? { mistakes } : database;

  function isFile(where: string): boolean {
    return env['HALLPASS_CONFIG'] !== undefined && where.startsWith(env['HALLPASS_CONFIG']);
  }
}

function schemaMistakes(sources: ConfigSources, error: z.ZodError | undefined): ConfigMistake[] {
  return issueSentences(error?.issues ?? [], unknownKey).map(({ path, key, message }) => ({
    path: pathText(path),
    where: sources.whereOf(path, key === undefined ? 'value' : 'key'),
    message: message === 'is missing' ? missing(path) : message,
  }));
}

function missing(path: readonly PropertyKey[]): string {
  const steps = path.filter((step) => typeof step === 'string');
  return steps.length === path.length ? `is missing (variable ${variableOf(steps)})` : 'is missing';
}

function unknownKey(key: string, path: readonly PropertyKey[]): string {
  const near = nearestName(key, namesAt(path));
  if (near !== undefined) return `is not known: did you mean ${near}?`;
  const elsewhere = describeConfig().find((it) => it.path.endsWith(`.${key}`));
  return `is not known${elsewhere ? `: did you mean ${elsewhere.path}?` : ''}`;
}

/** Each path that the configuration names, made absolute. */
function withAbsolutePaths(document: ConfigDocument, folder: string): ConfigDocument {
  const absolute = (path: string): string => resolve(folder, path);
  const { server, clusters, policies } = document;
  const { tls, caFile } = server;
  return {
    ...document,
    server: {
      ...server,
      ...(tls ? { tls: { certFile: absolute(tls.certFile), keyFile: absolute(tls.keyFile) } } : {}),
      ...(caFile === undefined ? {} : { caFile: absolute(caFile) }),
    },
    clusters: clusters.map((cluster) =>
      cluster.kubeconfig === undefined
        ? cluster
        : { ...cluster, kubeconfig: absolute(cluster.kubeconfig) },
    ),
    policies: { folders: policies.folders.map(absolute) },
  };
}

/** What is named and cannot be read. Takes any tree, so that these mistakes are told beside the schema's. */
function fileMistakes(sources: ConfigSources, tree: unknown): ConfigMistake[] {
  const clusters = at(tree, ['clusters']);
  const folders = at(tree, ['policies', 'folders']);
  const named = [
    ['server', 'tls', 'certFile'],
    ['server', 'tls', 'keyFile'],
    ['server', 'caFile'],
    ...(Array.isArray(folders) ? folders.map((_, index) => ['policies', 'folders', index]) : []),
    ...(Array.isArray(clusters)
      ? clusters.map((_, index) => ['clusters', index, 'kubeconfig'])
      : []),
  ];
  return named.flatMap((path) => {
    const file = at(tree, path);
    if (typeof file !== 'string' || file === '') return [];
    try {
      accessSync(resolve(sources.folder, file), constants.R_OK);
      return [];
    } catch (error) {
      const message = unreadable(error);
      return [{ path: pathText(path), where: sources.whereOf(path, 'value'), message }];
    }
  });
}

function at(tree: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, step)
        ? (value as Readonly<Record<string | number, unknown>>)[step]
        : undefined,
    tree,
  );
}

/** Reads the files of secrets and fills in what was left out; what is wrong goes to `mistakes`. */
function databaseOf(
  database: ConfigDocument['database'],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): DatabaseConfig | undefined {
  const report = (key: string, message: string): undefined => {
    const path = ['database', key];
    mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message });
  };
  const fromFile = (key: 'urlFile' | 'ownerUrlFile'): Secret | undefined => {
    const named = database[key];
    if (named === undefined) return undefined;
    const held = { isRight: isPostgresUrl, sentence: `what it holds ${POSTGRES_URL_RULE}` };
    const found: Secret | undefined = secretIn(
      named,
      held,
      ['database', key],
      sources,
      mistakes,
      (text) =>
        found && withoutPassword(found) !== withoutPassword(new Secret(text)) ? OTHER : undefined,
    );
    return found;
  };
  const given = (text: string | undefined) => (text === undefined ? undefined : new Secret(text));
  const url = given(database.url) ?? fromFile('urlFile');
  const ownerUrl = given(database.ownerUrl) ?? fromFile('ownerUrlFile');
  if (url === undefined) return undefined;
  const serviceUser = database.serviceUser ?? userIn(url.reveal());
  if (serviceUser === '') return report('serviceUser', 'is missing, and the URL names no user');
  return {
    url,
    ownerUrl: ownerUrl ?? null,
    serviceUser,
    poolSize: database.poolSize,
  };
}

/** What was asked of the database at the start (its schema, the rights of the role) is not asked again. */
const OTHER =
  'names another server, database or user than at the start: only its password is taken up, so restart';

function withoutPassword(secret: Secret): string {
  const url = new URL(secret.reveal());
  url.password = '';
  return url.href;
}

function userIn(url: string): string {
  const { username } = new URL(url);
  try {
    return decodeURIComponent(username);
  } catch (error) {
    if (error instanceof URIError) return username;
    throw error;
  }
}
