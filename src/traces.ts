import packageJson from '../package.json' with { type: 'json' };
import { OtelTracer } from './adapters/tracing/otel.tracer.js';
import { OtlpExporter } from './adapters/tracing/otlp.exporter.js';
import { PassingTracer } from './adapters/tracing/passing.tracer.js';
import type { DropCause, SpanCounts } from './adapters/tracing/span.queue.js';
import { SpanQueue } from './adapters/tracing/span.queue.js';
import type { Tracer } from './app/ports/tracer.js';
import type { TracingConfig } from './config/tracing.section.js';

/** The tracer that the configuration describes, and what becomes of its spans. */
export class Traces {
  readonly tracer: Tracer;
  private readonly sending: { readonly queue: SpanQueue; readonly tracer: OtelTracer } | undefined;

  constructor(
    { otlp, sampleRatio, serviceName }: TracingConfig,
    around: {
      readonly replica: string;
      readonly onDropped: (spans: number, why: DropCause, cause?: unknown) => void;
    },
  ) {
    const { replica, onDropped } = around;
    if (otlp === null) {
      this.tracer = new PassingTracer();
      return;
    }
    const { endpoint, caPem } = otlp;
    const headers = Object.fromEntries([...otlp.headers].map(([name, it]) => [name, it.reveal()]));
    const queue = new SpanQueue({
      exporter: new OtlpExporter({ endpoint, headers, caPem }),
      onDropped,
    });
    const service = { name: serviceName, version: packageJson.version, instance: replica };
    const tracer = new OtelTracer({ service, sampleRatio, queue });
    this.tracer = tracer;
    this.sending = { queue, tracer };
  }

  /** Null: none are made. */
  counts(): SpanCounts | null {
    return this.sending?.queue.counts() ?? null;
  }

  /** Sends what is left, for two seconds at most. */
  async close(): Promise<void> {
    await this.sending?.tracer.close();
  }
}
