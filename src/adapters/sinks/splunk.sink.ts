import type { Delivered } from '../../app/ports/sink.js';
import { Sink } from '../../app/ports/sink.js';
import type { SinkOf } from '../../config/sinks.section.js';
import { LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { textOf } from '../../domain/audit/logged.event.js';
import type { PostAnswer } from './https.post.js';
import { away, HttpsPost, isTaken } from './https.post.js';

const PATH = '/services/collector/event';
/** Of a 400: no data, invalid data, no event, a blank event, wrong indexed fields. Others are of tokens and indexes. */
const REFUSALS: ReadonlySet<number> = new Set([5, 6, 12, 13, 15]);
const TOO_LARGE = 413;

/** Batches to Splunk's HTTP Event Collector. That it took them does not say that it has indexed them. */
export class SplunkSink extends Sink {
  readonly name: string;
  readonly batch: number;
  readonly everyMs: number;
  private readonly http: HttpsPost;

  constructor(private readonly config: SinkOf<'splunk'>) {
    super();
    this.name = config.name;
    this.batch = config.batch;
    this.everyMs = config.everyMs;
    this.http = new HttpsPost(`${config.url}${PATH}`, config.caPem);
  }

  override async deliver(events: readonly LoggedEvent[], signal: AbortSignal): Promise<Delivered> {
    const body = events.map((event) => this.wrapped(event)).join('\n');
    const headers = {
      authorization: `Splunk ${this.config.token.reveal()}`,
      'content-type': 'application/json',
    };
    const answer = await this.http.post(body, headers, signal);
    if (isTaken(answer)) return 'taken';
    return isRefusal(answer) ? { refused: `answered ${answer.status}` } : away(answer);
  }

  override close(): Promise<void> {
    return this.http.close();
  }

  private wrapped(event: LoggedEvent): string {
    const { format, index } = this.config;
    const time = Date.parse(textOf(event.fields, 'time') ?? '') / 1000;
    const head = JSON.stringify({
      time,
      source: 'hallpass',
      sourcetype: `hallpass:${format}`,
      ...(index === null ? {} : { index }),
      fields: { place: `${event.index}` },
    });
    return `${head.slice(0, -1)},"event":${LOG_FORMATS[format].line(event)}}`;
  }
}

function isRefusal({ status, text }: PostAnswer): boolean {
  if (status === TOO_LARGE) return true;
  return status === 400 && REFUSALS.has(Number(/"code"\s*:\s*(\d{1,3})/.exec(text)?.[1]));
}
