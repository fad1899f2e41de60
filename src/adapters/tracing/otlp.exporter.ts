import type { ExportResult } from '@opentelemetry/core';
import { ExportResultCode } from '@opentelemetry/core';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Agent, request } from 'undici';
import { pause } from '../../app/pause.js';
import type { CuttableExporter } from './span.queue.js';

/** Where spans go, and how. */
export interface OtlpSettings {
  /** The collector's address, without a slash at its end; `/v1/traces` is added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly caPem: string | null;
}

/** How long is tried. */
export interface OtlpPatience {
  readonly answerMs: number;
  /** Before the second try, and twice as long before the third. */
  readonly againMs: number;
}

const PATIENCE: OtlpPatience = { answerMs: 5_000, againMs: 1_000 };
const TRIES_MAX = 3;
const RETRY_AFTER_MS_MAX = 5_000;
const CONNECT_MS_MAX = 3_000;
/** OTLP/HTTP: these may be sent once more, and no others. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Says why the collector did not take spans, in words that can stand in a log. */
class NotTaken extends Error {
  override readonly name = 'NotTaken';

  constructor(
    message: string,
    readonly isPassing: boolean,
    readonly afterMs = 0,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Sends spans by OTLP over HTTP, as protobuf, to one address over one connection. Follows no redirect. */
export class OtlpExporter implements CuttableExporter {
  private readonly agent: Agent;
  private readonly over = new AbortController();
  private readonly patience: OtlpPatience;

  constructor(
    private readonly settings: OtlpSettings,
    patience: Partial<OtlpPatience> = {},
  ) {
    const { caPem } = settings;
    this.patience = { ...PATIENCE, ...patience };
    this.agent = new Agent({
      connections: 1,
      connect: { timeout: CONNECT_MS_MAX, ...(caPem === null ? {} : { ca: caPem }) },
    });
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.send(spans).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: unknown) =>
        done({
          code: ExportResultCode.FAILED,
          error: error instanceof Error ? error : new Error('not sent', { cause: error }),
        }),
    );
  }

  shutdown(): Promise<void> {
    return this.agent.close();
  }

  cut(): void {
    this.over.abort();
    void this.agent.destroy();
  }

  private async send(spans: ReadableSpan[]): Promise<void> {
    const body = ProtobufTraceSerializer.serializeRequest(spans);
    if (!body) throw new Error('the spans could not be written as OTLP');
    const { signal } = this.over;
    for (let tries = 1; ; tries++) {
      const refused = await this.post(body);
      if (!refused) return;
      if (!refused.isPassing || tries === TRIES_MAX || signal.aborted) throw refused;
      await pause(Math.max(refused.afterMs, this.patience.againMs * tries), signal);
    }
  }

  private async post(body: Uint8Array): Promise<NotTaken | undefined> {
    const { endpoint, headers } = this.settings;
    const late = AbortSignal.timeout(this.patience.answerMs);
    try {
      const answer = await request(`${endpoint}/v1/traces`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-protobuf' },
        body,
        signal: AbortSignal.any([this.over.signal, late]),
        dispatcher: this.agent,
      });
      const { statusCode: status } = answer;
      // What it says besides is of no use to anybody here.
      await answer.body.dump();
      if (status >= 200 && status < 300) return undefined;
      const afterMs = RETRYABLE.has(status) ? waitMsOf(answer.headers['retry-after']) : 0;
      return new NotTaken(`the collector answered ${status}`, RETRYABLE.has(status), afterMs);
    } catch (error) {
      const words = late.aborted ? 'does not answer in time' : 'does not answer';
      return new NotTaken(`the collector ${words}`, true, 0, error);
    }
  }
}

function waitMsOf(header: string | string[] | undefined): number {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : 0;
  return Math.min(seconds * 1000, RETRY_AFTER_MS_MAX);
}
