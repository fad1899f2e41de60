import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import type { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { secretIn } from './secret.files.js';

/** A client with which people sign in by a browser, its secret read. */
export interface WebClientConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client. */
  readonly clientSecret: Secret | null;
  readonly scopes: readonly string[];
  readonly resource: string | null;
}

const SECRET: Held = {
  isRight: (text) => /^[\x20-\x7e]{1,4096}$/.test(text),
  sentence: 'what it holds must be 1 to 4096 printable ASCII characters',
};

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
    const path = ['identity', 'issuers', index, 'web', 'clientSecretFile'];
    const secret = secretIn(clientSecretFile, SECRET, path, sources, mistakes);
    return secret === undefined ? [] : [{ ...client, clientSecret: secret }];
  });
}
