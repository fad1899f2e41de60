import { z } from 'zod';
import { isPlainWebUrl, PLAIN_WEB_URL_RULE } from './address.rules.js';
import { onObjects, path, text } from './fields.js';
import type { Secret } from './secret.js';

export const s3 = z
  .strictObject({
    bucket: text(255)
      .exactOptional()
      .meta({ description: 'The bucket, which must be there.', examples: ['hallpass-recordings'] }),
    prefix: z
      .string()
      .max(512)
      .regex(/^([\w.-]+(\/[\w.-]+)*)?$/, 'must be names of folders, with a slash between two')
      .default('')
      .meta({
        description: 'What the names of objects begin with.',
        examples: ['hallpass/recordings'],
      }),
    region: text(64)
      .default('us-east-1')
      .meta({ description: 'Its region.', examples: ['eu-central-1'] }),
    endpoint: text(2048)
      .refine(isPlainWebUrl, PLAIN_WEB_URL_RULE)
      .exactOptional()
      .meta({
        description: 'Where it answers, for stores other than Amazon’s.',
        examples: ['https://minio.example.com'],
      }),
    forcePathStyle: z
      .boolean()
      .default(false)
      .meta({
        description: 'Whether the bucket is part of the path and not of the host, as MinIO has it.',
        examples: [true],
      }),
    accessKeyId: text(256)
      .exactOptional()
      .meta({
        description:
          'The key to sign with. Without one the role that the platform gives the Pod or the machine is used.',
        examples: ['AKIAEXAMPLE'],
      }),
    secretAccessKey: text(1024)
      .exactOptional()
      .meta({ description: 'Its secret.', examples: ['secret-of-the-key'], secret: true }),
    secretAccessKeyFile: path.exactOptional().meta({
      description: 'A file that holds `secretAccessKey`. Give one of the two.',
      examples: ['/run/secrets/s3-secret-access-key'],
    }),
  })
  .refine((it) => it.secretAccessKey === undefined || it.secretAccessKeyFile === undefined, {
    ...onObjects,
    path: ['secretAccessKeyFile'],
    error: 'give one of secretAccessKey and secretAccessKeyFile',
  })
  .refine(
    (it) =>
      (it.accessKeyId === undefined) ===
      (it.secretAccessKey === undefined && it.secretAccessKeyFile === undefined),
    { ...onObjects, path: ['accessKeyId'], error: 'give key and secret, or neither' },
  );

export const recordingsSection = z
  .strictObject({
    store: z
      .enum(['database', 's3'])
      .default('database')
      .meta({
        description:
          'Where the chunks of new recordings lie: in the database, or in an S3-compatible store. Digests are in the database.',
        examples: ['s3'],
      }),
    s3: s3.prefault({}).meta({
      description:
        'The S3-compatible store. Kept while recordings lie there, whatever `store` says.',
    }),
  })
  .refine((it) => it.store !== 's3' || it.s3?.bucket !== undefined, {
    ...onObjects,
    path: ['s3', 'bucket'],
    error: 'is missing, and recordings.store is s3',
  });

/** An S3-compatible store, its secret read. */
export interface S3Config {
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  /** Null: Amazon's own. */
  readonly endpoint: string | null;
  readonly forcePathStyle: boolean;
  readonly accessKeyId: string | null;
  readonly secretAccessKey: Secret | null;
}

export interface RecordingsConfig {
  /** Where new recordings go. */
  readonly store: 'database' | 's3';
  /** Null: there is none to read older ones from either. */
  readonly s3: S3Config | null;
}
