import { hostname } from 'node:os';
import { connect } from 'node:tls';
import type { Delivered } from '../../app/ports/sink.js';
import { Sink, SinkAway } from '../../app/ports/sink.js';
import type { SinkOf } from '../../config/sinks.section.js';
import type { Severity } from '../../domain/audit/event.kinds.js';
import { severityOf } from '../../domain/audit/event.kinds.js';
import { LOG_FORMATS } from '../../domain/audit/log.formats.js';
import type { LoggedEvent } from '../../domain/audit/logged.event.js';
import { textOf } from '../../domain/audit/logged.event.js';

/** "Log audit" (RFC 5424 §6.2.1). */
const FACILITY = 13;
const SEVERITIES: Readonly<Record<Severity, number>> = {
  informational: 6,
  low: 5,
  medium: 4,
  high: 2,
  critical: 1,
};
/** Of an enterprise number for examples: what is in it is also in the message. */
const ELEMENT = 'hallpass@32473';

/**
 * Batches as messages of RFC 5424 over TLS, with the framing of RFC 5425. Syslog has no acknowledgement: each batch has a
 * connection of its own, and was taken where the receiver read it to its end and closed without an error.
 */
export class SyslogSink extends Sink {
  readonly name: string;
  readonly batch: number;
  readonly everyMs: number;

  constructor(private readonly config: SinkOf<'syslog'>) {
    super();
    this.name = config.name;
    this.batch = config.batch;
    this.everyMs = config.everyMs;
  }

  override async deliver(events: readonly LoggedEvent[], signal: AbortSignal): Promise<Delivered> {
    const { line } = LOG_FORMATS[this.config.format];
    await this.send(events.map((event) => framed(messageOf(event, line(event)))).join(''), signal);
    return 'taken';
  }

  override async close(): Promise<void> {
    // Connections end with their batch.
  }

  private send(text: string, signal: AbortSignal): Promise<void> {
    const { host, port, caPem } = this.config;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const failed = (cause?: unknown): void =>
      reject(new SinkAway('the syslog receiver did not take it', undefined, cause));
    const socket = connect({
      host,
      port,
      minVersion: 'TLSv1.2',
      ...(caPem === null ? {} : { ca: caPem }),
    });
    let isRead = false;
    const give = (): void => {
      socket.destroy();
      failed(signal.reason);
    };
    signal.addEventListener('abort', give, { once: true });
    socket.once('secureConnect', () => socket.end(text));
    // Nothing is said by a syslog receiver; whatever it is, the end comes after it.
    socket.resume();
    socket.once('end', () => (isRead = socket.writableFinished));
    socket.once('error', failed);
    socket.once('close', () => (isRead ? resolve(undefined) : failed()));
    if (signal.aborted) give();
    return promise.finally(() => signal.removeEventListener('abort', give));
  }
}

function messageOf(event: LoggedEvent, text: string): string {
  const priority = FACILITY * 8 + SEVERITIES[severityOf(event)];
  const time = textOf(event.fields, 'time') ?? '-';
  const action = printable(textOf(event.fields, 'action') ?? '-').slice(0, 32);
  const host = printable(hostname()).slice(0, 255);
  const element = `[${ELEMENT} place="${event.index}"]`;
  return `<${priority}>1 ${time} ${host} hallpass - ${action} ${element} ${text}`;
}

function framed(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

/** PRINTUSASCII. */
function printable(text: string): string {
  return text.replace(/[^!-~]/g, '_');
}
