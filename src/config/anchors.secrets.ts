import { resolve } from 'node:path';
import type { AnchorConfig, AnchorDocument } from './anchors.section.js';
import { isWebhookSecret } from './anchors.section.js';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import type { S3Config } from './recordings.section.js';
import { Secret } from './secret.js';
import { SECRET_FILE_BYTES_MAX } from './secret.files.js';

/** The anchors with their secrets read; what is wrong with a file goes to `mistakes`. */
export function anchorsOf(
  anchors: readonly AnchorDocument[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): AnchorConfig[] {
  return anchors.map((anchor, index) => {
    const read = (
      file: string | undefined,
      keys: readonly string[],
      wrongWith: (secret: string) => string | undefined,
    ): string | undefined => {
      if (file === undefined) return undefined;
      const text = readBounded(resolve(sources.folder, file), SECRET_FILE_BYTES_MAX);
      const secret = text instanceof Unreadable ? undefined : text.trim();
      const wrong = text instanceof Unreadable ? text.message : wrongWith(secret ?? '');
      if (wrong === undefined) return secret;
      const path = ['audit', 'anchors', index, ...keys];
      const where = sources.whereOf(path, 'value');
      mistakes.push({ path: pathText(path), where, message: wrong });
      return undefined;
    };
    return anchorOf(anchor, sources.folder, read);
  });
}

function anchorOf(
  anchor: AnchorDocument,
  folder: string,
  read: (
    file: string | undefined,
    keys: readonly string[],
    wrongWith: (secret: string) => string | undefined,
  ) => string | undefined,
): AnchorConfig {
  const { name, everySeconds } = anchor;
  switch (anchor.kind) {
    case 'log':
      return { name, everySeconds, kind: 'log' };
    case 'file':
      return { name, everySeconds, kind: 'file', path: resolve(folder, anchor.file ?? '') };
    case 'webhook': {
      const secret =
        anchor.secret ??
        read(anchor.secretFile, ['secretFile'], (it) =>
          isWebhookSecret(it) ? undefined : 'holds no secret of the form whsec_ and base64',
        );
      return {
        name,
        everySeconds,
        kind: 'webhook',
        url: anchor.url ?? '',
        secret: secret === undefined ? null : new Secret(secret),
      };
    }
    case 's3': {
      const { s3, retainDays, lockMode } = anchor;
      const mode = lockMode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
      const secret =
        s3?.secretAccessKey ??
        read(s3?.secretAccessKeyFile, ['s3', 'secretAccessKeyFile'], (it) =>
          it === '' ? 'is empty' : undefined,
        );
      return {
        name,
        everySeconds,
        kind: 's3',
        s3: s3Of(s3, secret),
        lock: retainDays === undefined ? null : { mode, days: retainDays },
      };
    }
  }
}

/** The schema sees to it that there is a bucket. */
function s3Of(s3: AnchorDocument['s3'], secret: string | undefined): S3Config {
  return {
    bucket: s3?.bucket ?? '',
    prefix: s3?.prefix ?? '',
    region: s3?.region ?? 'us-east-1',
    endpoint: s3?.endpoint ?? null,
    forcePathStyle: s3?.forcePathStyle ?? false,
    accessKeyId: s3?.accessKeyId ?? null,
    secretAccessKey: secret === undefined ? null : new Secret(secret),
  };
}
