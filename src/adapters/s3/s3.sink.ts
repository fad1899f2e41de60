import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Delivered } from '../../app/ports/sink.js';
import { Sink } from '../../app/ports/sink.js';
import type { SinkOf } from '../../config/sinks.section.js';
import type { LogFormat } from '../../domain/audit/log.formats.js';
import { fileOf, LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { s3Client } from './s3.client.js';

/** Of places in names, so that names sort as places do. */
const DIGITS = 15;

/** Batches as objects `<prefix>/<first place>-<last place>.<suffix>` of an S3-compatible store. */
export class S3Sink extends Sink {
  readonly name: string;
  readonly batch: number;
  readonly everyMs: number;
  private readonly format: LogFormat;
  private readonly client: S3Client;

  constructor(private readonly config: SinkOf<'s3'>) {
    super();
    this.name = config.name;
    this.batch = config.batch;
    this.everyMs = config.everyMs;
    this.format = LOG_FORMATS[config.format];
    this.client = s3Client(config.s3);
  }

  /** Nothing is ever refused: a store that takes no objects now is one that is set up wrongly. */
  override async deliver(events: readonly LoggedEvent[], signal: AbortSignal): Promise<Delivered> {
    const { bucket } = this.config.s3;
    const { mediaType } = this.format;
    await this.client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: this.keyOf(events),
        Body: fileOf(this.format, events),
        ContentType: mediaType,
      }),
      { abortSignal: signal },
    );
    return 'taken';
  }

  override async close(): Promise<void> {
    this.client.destroy();
  }

  private keyOf(events: readonly LoggedEvent[]): string {
    const { prefix } = this.config.s3;
    const [first, last] = [events.at(0), events.at(-1)].map((it) =>
      `${it?.index ?? 0}`.padStart(DIGITS, '0'),
    );
    return `${prefix === '' ? '' : `${prefix}/`}${first ?? ''}-${last ?? ''}.${this.format.suffix}`;
  }
}
