import { resolve } from 'node:path';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import { Secret } from './secret.js';
import { SECRET_FILE_BYTES_MAX } from './secret.files.js';

/** A client with which people sign in by a browser, its secret read. */
export interface WebClientConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client. */
  readonly clientSecret: Secret | null;
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

const SECRET = /^[\x20-\x7e]{1,4096}$/;

/** The sections `web` of the issuers; what is wrong with their files goes to `mistakes`. */
export function webClientsOf(
  { identity }: Pick<ConfigDocument, 'identity'>,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): readonly WebClientConfig[] {
  return identity.issuers.flatMap(({ issuer, web }, index): WebClientConfig[] => {
    if (!web) return [];
    const { clientId, clientSecretFile, scopes, resource = null } = web;
    const client = { issuer, clientId, scopes, resource };
    if (clientSecretFile === undefined) return [{ ...client, clientSecret: null }];
    const secret = readSecret(resolve(sources.folder, clientSecretFile));
    if (typeof secret === 'string') return [{ ...client, clientSecret: new Secret(secret) }];
    const path = ['identity', 'issuers', index, 'web', 'clientSecretFile'];
    const where = sources.whereOf(path, 'value');
    mistakes.push({ path: pathText(path), where, message: secret.message });
    return [];
  });
}

function readSecret(file: string): string | Unreadable {
  const text = readBounded(file, SECRET_FILE_BYTES_MAX);
  if (text instanceof Unreadable) return text;
  const secret = text.trim();
  return SECRET.test(secret)
    ? secret
    : new Unreadable('what it holds must be 1 to 4096 printable ASCII characters');
}
