import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ClusterSettings } from './cluster.settings.js';
import { PooledKubeConfig } from './pooled.kubeconfig.js';

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

/**
 * The credentials and the address of a cluster, as its settings say.
 *
 * @throws Error where the file cannot be read or lacks what is needed: the message says which and what.
 */
export async function loadKubeconfig(settings: ClusterSettings): Promise<PooledKubeConfig> {
  const config = new PooledKubeConfig();
  if (settings.inCluster) {
    config.loadFromCluster();
  } else {
    await loadFile(config, settings);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster || !config.getCurrentUser()) {
    const context = settings.context ?? config.getCurrentContext();
    throw new Error(`the kubeconfig has no context "${context}" with a cluster and a user`);
  }
  if (!URL.canParse(cluster.server)) {
    throw new Error(`the API server's address "${cluster.server}" is no URL`);
  }
  return config;
}

/** Changes whenever the file may have changed; the same for as long as it has not. Undefined: it cannot be seen. */
export async function fileStamp(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return undefined;
  }
}

async function loadFile(config: PooledKubeConfig, settings: ClusterSettings): Promise<void> {
  const path = settings.kubeconfig ?? '';
  const text = await readFile(path, 'utf8');
  config.loadFromString(text);
  config.makePathsAbsolute(dirname(path));
  if (settings.context !== undefined) config.setCurrentContext(settings.context);
  const files = new Map(
    (TokenFiles.parse(parse(text)).users ?? []).map(({ name, user }) => [name, user?.tokenFile]),
  );
  config.users = config.getUsers().map((user) => {
    const file = files.get(user.name);
    if (typeof file !== 'string' || user.token) return user;
    const tokenFile = resolve(dirname(path), file);
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
}
