import { Webhook } from 'standardwebhooks';
import type { Delivered } from '../../app/ports/sink.js';
import { Sink } from '../../app/ports/sink.js';
import type { SinkOf } from '../../config/sinks.section.js';
import { LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { textOf } from '../../domain/audit/logged.event.js';
import { away, HttpsPost, isTaken } from './https.post.js';

/** What a receiver that works answers to what it will never take. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);

/** Batches as messages of Standard Webhooks. The same events have the same `webhook-id`, however often they come. */
export class WebhookSink extends Sink {
  readonly name: string;
  readonly batch: number;
  readonly everyMs: number;
  private readonly http: HttpsPost;

  constructor(private readonly config: SinkOf<'webhook'>) {
    super();
    this.name = config.name;
    this.batch = config.batch;
    this.everyMs = config.everyMs;
    this.http = new HttpsPost(config.url, config.caPem);
  }

  override async deliver(events: readonly LoggedEvent[], signal: AbortSignal): Promise<Delivered> {
    const [first, last] = [events[0]?.index ?? 0, events.at(-1)?.index ?? 0];
    const id = `${this.name}-${first}-${last}`;
    const body = this.bodyOf(events, { first, last });
    const at = new Date();
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
      'webhook-signature': new Webhook(this.config.secret.reveal()).sign(id, at, body),
    };
    const answer = await this.http.post(body, headers, signal);
    if (isTaken(answer)) return 'taken';
    return REFUSALS.has(answer.status) ? { refused: `answered ${answer.status}` } : away(answer);
  }

  override close(): Promise<void> {
    return this.http.close();
  }

  /** The events are put in as they are, not written anew: as `jsonl` they stay canonical. */
  private bodyOf(
    events: readonly LoggedEvent[],
    { first, last }: { readonly first: number; readonly last: number },
  ): string {
    const { line } = LOG_FORMATS[this.config.format];
    const newest = events.at(-1);
    const timestamp = JSON.stringify((newest && textOf(newest.fields, 'time')) ?? '');
    const list = events.map(line).join(',');
    return `{"type":"audit.events","timestamp":${timestamp},"data":{"first":${first},"last":${last},"events":[${list}]}}`;
  }
}
