import { S3Client } from '@aws-sdk/client-s3';
import type { S3Config } from '../../config/recordings.section.js';

const CONNECT_MS_MAX = 2_000;
const REQUEST_MS_MAX = 5_000;
const SOCKETS_MAX = 64;

/** What speaks to an S3-compatible store. Whoever asks tries again. */
export function s3Client(config: S3Config): S3Client {
  const { endpoint, region, forcePathStyle, accessKeyId, secretAccessKey } = config;
  return new S3Client({
    region,
    forcePathStyle,
    ...(endpoint === null ? {} : { endpoint }),
    // Without keys of its own the SDK looks for what the platform gives: a role of the Pod or of the machine.
    ...(accessKeyId === null || secretAccessKey === null
      ? {}
      : {
          credentials: async () => ({
            accessKeyId,
            secretAccessKey: secretAccessKey.reveal(),
            // What expires at once is asked for with each call: the secret may have become another one.
            expiration: new Date(),
          }),
        }),
    // Whoever writes tries again, within its own time.
    maxAttempts: 1,
    // Checksums of other kinds than S3 asks for are not understood by all that are compatible with it.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: SOCKETS_MAX },
      httpsAgent: { maxSockets: SOCKETS_MAX },
    },
  });
}
