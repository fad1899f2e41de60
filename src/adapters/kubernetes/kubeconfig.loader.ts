import { X509Certificate } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Cluster, User } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ClusterSettings } from './cluster.settings.js';
import { CredentialFiles } from './credential.files.js';
import { byPlugin } from './credential.plugin.js';
import { PooledKubeConfig, fitsHeader } from './pooled.kubeconfig.js';

/** The part of a kubeconfig that client-node 2.0.1 overlooks: it knows `token-file`, while everybody writes `tokenFile`. */
const TokenFiles = z.object({
  users: z
    .array(
      z.looseObject({
        name: z.string(),
        user: z.looseObject({ tokenFile: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});

/** What client-node makes of a token that is in a file. */
const InFile = z.looseObject({ config: z.looseObject({ tokenFile: z.string() }) });

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The credentials and the address of a cluster, as its settings say, with the contents of all files that they name: all
 * of one moment, and known to be usable. client-node 2.0.1 would read the files at each request, half of them perhaps
 * after a rotation, and keep a token for a minute after it has been replaced.
 *
 * @throws Error where a file cannot be read or lacks what is needed: the message says what, and nothing that is in it.
 */
export async function loadKubeconfig(
  settings: ClusterSettings,
  files = new CredentialFiles(),
): Promise<PooledKubeConfig> {
  const config = new PooledKubeConfig();
  if (settings.inCluster) {
    config.loadFromCluster(settings.podRoot);
  } else {
    await loadFile(config, settings, files);
  }
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (!cluster || !user) {
    const context = settings.context ?? config.getCurrentContext();
    throw new Error(`the kubeconfig has no context "${context}" with a cluster and a user`);
  }
  if (!URL.canParse(cluster.server)) {
    throw new Error(`the API server's address "${cluster.server}" is no URL`);
  }
  config.clusters = [await wholeCluster(cluster, files)];
  config.users = [byPlugin(await wholeUser(user, files))];
  checkUsable(config);
  return config;
}

async function loadFile(
  config: PooledKubeConfig,
  settings: ClusterSettings,
  read: CredentialFiles,
): Promise<void> {
  const path = settings.kubeconfig ?? '';
  const files = parseInto(config, (await read.read(path)).toString('utf8'));
  config.makePathsAbsolute(dirname(path));
  if (settings.context !== undefined) config.setCurrentContext(settings.context);
  config.users = config.getUsers().map((user) => {
    const file = files.get(user.name);
    if (typeof file !== 'string' || user.token) return user;
    const tokenFile = resolve(dirname(path), file);
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
}

/** @returns the files of tokens, by user. */
function parseInto(config: PooledKubeConfig, text: string): Map<string, string | null | undefined> {
  try {
    config.loadFromString(text);
    const { users } = TokenFiles.parse(parse(text));
    return new Map((users ?? []).map(({ name, user }) => [name, user?.tokenFile]));
  } catch {
    // What parsers say quotes the lines that they stumbled over, and the next one may hold a token.
    throw new Error('the kubeconfig is not well formed');
  }
}

async function wholeCluster(cluster: Cluster, files: CredentialFiles): Promise<Cluster> {
  const { caFile, ...rest } = cluster;
  if (!caFile) return cluster;
  return { ...rest, caData: (await files.read(caFile)).toString('base64') };
}

async function wholeUser(user: User, files: CredentialFiles): Promise<User> {
  const { certFile, keyFile, ...rest } = user;
  const tokenFile = InFile.safeParse(user.authProvider).data?.config.tokenFile;
  const certData = certFile && (await files.read(certFile)).toString('base64');
  const keyData = keyFile && (await files.read(keyFile)).toString('base64');
  const token = tokenFile && (await files.read(tokenFile)).toString('utf8').trim();
  if (token === '') throw new Error('the file of the token is empty');
  return {
    ...rest,
    ...(certData ? { certData } : {}),
    ...(keyData ? { keyData } : {}),
    // Without it, client-node would go on reading the file by itself.
    ...(token ? { token, authProvider: undefined } : {}),
  };
}

/** Half a certificate, or a key that is another one's, is found out here, and not by every request from now on. */
function checkUsable(config: PooledKubeConfig): void {
  const caData = config.getCurrentCluster()?.caData;
  const { certData, keyData, token } = config.getCurrentUser() ?? {};
  if (token && !fitsHeader(token))
    throw new Error('the token has characters that no header can hold');
  if (caData) {
    const found = decoded(caData).match(CERTIFICATE) ?? [];
    if (!found.some(isCertificate)) {
      throw new Error('the certificate authority holds no certificate');
    }
  }
  if (certData && keyData) {
    try {
      createSecureContext({ cert: decoded(certData), key: decoded(keyData) });
    } catch (cause) {
      throw new Error('the client certificate and its key are none, or not of each other', {
        cause,
      });
    }
  }
}

function isCertificate(pem: string): boolean {
  try {
    return Boolean(new X509Certificate(pem));
  } catch {
    return false;
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
