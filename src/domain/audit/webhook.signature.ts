import { createHmac } from 'node:crypto';

/**
 * The headers that sign a webhook, as Standard Webhooks has them (symmetric signatures): HMAC-SHA256 of id, seconds since
 * 1970 and body.
 *
 * @param secret `whsec_` and the key in base64.
 */
export function webhookHeaders(args: {
  readonly id: string;
  readonly at: Date;
  readonly body: string;
  readonly secret: string;
}): {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
} {
  const { id, at, body, secret } = args;
  const seconds = String(Math.floor(at.getTime() / 1_000));
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': `v1,${signature}`,
  };
}
