import { Webhook } from 'standardwebhooks';
import { Anchor } from '../../app/ports/anchor.js';
import type { SignedHead } from '../../app/ports/log.store.js';
import type { Secret } from '../../config/secret.js';

const ANSWER_MS_MAX = 5_000;

/** Posts checkpoints to an address, signed as Standard Webhooks has it where there is a secret. Nothing is read back. */
export class WebhookAnchor extends Anchor {
  readonly name: string;
  readonly everySeconds: number;
  private readonly url: string;
  private readonly secret: Secret | null;

  constructor(args: {
    readonly name: string;
    readonly everySeconds: number;
    readonly url: string;
    readonly secret: Secret | null;
  }) {
    super();
    this.name = args.name;
    this.everySeconds = args.everySeconds;
    this.url = args.url;
    this.secret = args.secret;
  }

  /** A redirect is a refusal: it could lead to whoever the configuration does not name. */
  async put({ origin, size, root, note, signedAt }: SignedHead): Promise<void> {
    const body = JSON.stringify({
      type: 'audit.checkpoint',
      timestamp: signedAt.toISOString(),
      data: { origin, size, root: root.toString('base64'), note },
    });
    const key = this.secret?.reveal();
    // Of the same checkpoint always the same, so that whoever is told twice knows.
    const id = `checkpoint_${size}_${root.toString('hex').slice(0, 16)}`;
    const at = new Date();
    const response = await fetch(this.url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': `${Math.floor(at.getTime() / 1_000)}`,
        ...(key === undefined ? {} : { 'webhook-signature': new Webhook(key).sign(id, at, body) }),
      },
      body,
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the webhook answered ${response.status}`);
  }

  sizes(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  noteOf(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
