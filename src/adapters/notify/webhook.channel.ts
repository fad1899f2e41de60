import { Webhook } from 'standardwebhooks';
import type { Notice, Told } from '../../app/ports/channel.js';
import { Channel } from '../../app/ports/channel.js';
import type { ChannelOf } from '../../config/notifications.section.js';
import { away, GuardedPost, isTaken } from './guarded.post.js';

const GONE = 410;
/** What a receiver that works answers to what it will never take. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);

/** Notices as messages of Standard Webhooks. The same notice has the same `webhook-id`, however often it comes. */
export class WebhookChannel extends Channel {
  readonly kind = 'webhook';
  readonly name: string;
  readonly fingerprint: string;
  private readonly http: GuardedPost;

  constructor(private readonly config: ChannelOf<'webhook'>) {
    super();
    this.name = config.name;
    this.fingerprint = config.fingerprint;
    this.http = new GuardedPost(() => config.url, config);
  }

  override async tell({ body: data }: Notice, signal: AbortSignal): Promise<Told> {
    const body = JSON.stringify({ type: `hallpass.${data.kind}`, timestamp: data.at, data });
    const at = new Date();
    const headers = {
      'webhook-id': data.id,
      'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
      'webhook-signature': new Webhook(this.config.secret.reveal()).sign(data.id, at, body),
    };
    const answer = await this.http.post(body, headers, signal);
    if (isTaken(answer)) return 'taken';
    if (answer.status === GONE) return { gone: 'the receiver answered 410: it is gone' };
    if (REFUSALS.has(answer.status)) return { refused: `the receiver answered ${answer.status}` };
    return away(answer);
  }

  override close(): Promise<void> {
    return this.http.close();
  }
}
