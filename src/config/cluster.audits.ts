import { resolve } from 'node:path';
import type { Impersonation } from '../domain/impersonation.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import type { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { secretIn } from './secret.files.js';

/** A cluster whose API server's audit log is looked at, its token read. */
export interface ClusterAudit {
  readonly name: string;
  readonly account: string;
  /** Null: it acts as itself alone. */
  readonly impersonates: Impersonation | null;
  /** Null: its webhook is not taken. */
  readonly token: Secret | null;
  /** Null: no file is read. */
  readonly logFile: string | null;
}

/** What a header takes, and long enough that nobody guesses it. */
const TOKEN: Held = {
  isRight: (text) => /^[\x21-\x7e]{32,4096}$/.test(text),
  sentence: 'what it holds must be 32 to 4096 printable ASCII characters without spaces',
};

/** The sections `audit` of the clusters; what is wrong with their files goes to `mistakes`. */
export function clusterAuditsOf(
  { clusters }: Pick<ConfigDocument, 'clusters'>,
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): readonly ClusterAudit[] {
  const tokens = new Map<number, Secret>();
  const mistakeAs = (text: string, index: number) =>
    [...tokens].some(([other, token]) => other !== index && token.reveal() === text)
      ? 'holds the token of another cluster'
      : undefined;
  return clusters.flatMap(({ name, audit, impersonate }, index) => {
    if (!audit) return [];
    const { account, tokenFile, logFile } = audit;
    const path = ['clusters', index, 'audit', 'tokenFile'];
    const token =
      tokenFile === undefined
        ? null
        : secretIn(tokenFile, TOKEN, path, sources, mistakes, (text) => mistakeAs(text, index));
    if (token === undefined) return [];
    const message = token === null ? undefined : mistakeAs(token.reveal(), index);
    if (message !== undefined) {
      mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message });
      return [];
    }
    if (token !== null) tokens.set(index, token);
    return [
      {
        name,
        account,
        impersonates: impersonate ?? null,
        token,
        logFile: logFile === undefined ? null : resolve(sources.folder, logFile),
      },
    ];
  });
}
