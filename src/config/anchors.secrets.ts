import { resolve } from 'node:path';
import type { AnchorConfig, AnchorDocument } from './anchors.section.js';
import { WEBHOOK_SECRET, WEBHOOK_SECRET_RULE } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import type { S3Config } from './recordings.section.js';
import { s3Of } from './recordings.secrets.js';
import { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { secretIn } from './secret.files.js';

/** As S3 calls them. */
const MODES = { compliance: 'COMPLIANCE', governance: 'GOVERNANCE' } as const;

const SIGNS: Held = {
  isRight: (text) => WEBHOOK_SECRET.test(text),
  sentence: `what it holds ${WEBHOOK_SECRET_RULE}`,
};

/** The anchors with their secrets read; what is wrong with a file goes to `mistakes`. */
export function anchorsOf(
  anchors: readonly AnchorDocument[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): AnchorConfig[] {
  return anchors.flatMap((anchor, index) => {
    const at = ['audit', 'anchors', index];
    const found = anchorOf(anchor, sources.folder, {
      s3: () =>
        anchor.s3 === undefined ? null : s3Of(anchor.s3, [...at, 's3'], sources, mistakes),
      webhookSecret: (file) => secretIn(file, SIGNS, [...at, 'secretFile'], sources, mistakes),
    });
    return found === undefined ? [] : [found];
  });
}

/** @returns undefined where something is missing, which the schema has told of. */
function anchorOf(
  { name, everySeconds, ...anchor }: AnchorDocument,
  folder: string,
  read: {
    readonly s3: () => S3Config | null;
    readonly webhookSecret: (file: string) => Secret | undefined;
  },
): AnchorConfig | undefined {
  const common = { name, everySeconds };
  switch (anchor.kind) {
    case 'log':
      return { ...common, kind: 'log' };
    case 'file': {
      const { file } = anchor;
      return file === undefined
        ? undefined
        : { ...common, kind: 'file', path: resolve(folder, file) };
    }
    case 'webhook': {
      const { url, secretFile } = anchor;
      const given = anchor.secret === undefined ? undefined : new Secret(anchor.secret);
      const secret =
        given ?? (secretFile === undefined ? null : (read.webhookSecret(secretFile) ?? null));
      return url === undefined ? undefined : { ...common, kind: 'webhook', url, secret };
    }
    case 's3': {
      const { retainDays, lockMode } = anchor;
      const lock = retainDays === undefined ? null : { mode: MODES[lockMode], days: retainDays };
      const s3 = read.s3();
      return s3 === null ? undefined : { ...common, kind: 's3', s3, lock };
    }
  }
}
