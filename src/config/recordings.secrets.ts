import type { ConfigMistake } from './config.problem.js';
import type { ConfigDocument } from './config.schema.js';
import type { ConfigSources } from './config.sources.js';
import type { RecordingsConfig, S3Config } from './recordings.section.js';
import { Secret } from './secret.js';
import type { Held } from './secret.files.js';
import { secretIn } from './secret.files.js';

const ANYTHING: Held = { isRight: (text) => text !== '', sentence: 'is empty' };

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
  const file = s3.secretAccessKeyFile;
  const path = [...at, 'secretAccessKeyFile'];
  const given = s3.secretAccessKey === undefined ? null : new Secret(s3.secretAccessKey);
  const secretAccessKey =
    given ??
    (file === undefined ? null : (secretIn(file, ANYTHING, path, sources, mistakes) ?? null));
  return { bucket, prefix, region, endpoint, forcePathStyle, accessKeyId, secretAccessKey };
}
