import { resolve } from 'node:path';
import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import { readBounded, Unreadable } from './config.sources.js';
import { pathText } from './issue.sentences.js';
import type { RecordingsConfig, S3Config } from './recordings.section.js';
import { Secret } from './secret.js';
import { SECRET_FILE_BYTES_MAX } from './secret.files.js';

/** The section `recordings` with its secret read; what is wrong with the file goes to `mistakes`. */
export function recordingsOf(
  { store, s3 }: ConfigDocument['recordings'],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): RecordingsConfig {
  return { store, s3: s3Of(s3, ['recordings', 's3'], sources, mistakes) };
}

/** An S3-compatible store with its secret read; null where no bucket is named. */
export function s3Of(
  s3: ConfigDocument['recordings']['s3'],
  at: readonly (string | number)[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): S3Config | null {
  const { bucket, prefix, region, endpoint = null, forcePathStyle, accessKeyId = null } = s3;
  if (bucket === undefined) return null;
  const secret =
    s3.secretAccessKey ??
    fromFile(s3.secretAccessKeyFile, [...at, 'secretAccessKeyFile'], sources, mistakes);
  const secretAccessKey = secret === undefined ? null : new Secret(secret);
  return { bucket, prefix, region, endpoint, forcePathStyle, accessKeyId, secretAccessKey };
}

function fromFile(
  file: string | undefined,
  path: (string | number)[],
  sources: ConfigSources,
  mistakes: ConfigMistake[],
): string | undefined {
  if (file === undefined) return undefined;
  const text = readBounded(resolve(sources.folder, file), SECRET_FILE_BYTES_MAX);
  const secret = text instanceof Unreadable ? '' : text.trim();
  if (secret !== '') return secret;
  const message = text instanceof Unreadable ? text.message : 'is empty';
  mistakes.push({ path: pathText(path), where: sources.whereOf(path, 'value'), message });
  return undefined;
}
