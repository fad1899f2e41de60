import packageJson from '../package.json' with { type: 'json' };
import type { OtelTracer } from './adapters/tracing/otel.tracer.js';
import { PassingTracer } from './adapters/tracing/passing.tracer.js';
import type { DropCause, SpanCounts, SpanQueue } from './adapters/tracing/span.queue.js';
import type { Tracer } from './app/ports/tracer.js';
import type { TracingConfig } from './config/tracing.section.js';

interface Around {
  readonly replica: string;
  /** Told of spans that nobody will see. */
  readonly onDropped: (spans: number, why: DropCause, cause?: unknown) => void;
}

/** The tracer that the configuration describes, and what becomes of its spans. */
export class Traces {
  private constructor(
    readonly tracer: Tracer,
    private readonly sending?: { readonly queue: SpanQueue; readonly tracer: OtelTracer },
  ) {}

  /** OpenTelemetry is loaded where there is a collector, and nowhere else. */
  static async of(config: TracingConfig, { replica, onDropped }: Around): Promise<Traces> {
    const { otlp, sampleRatio, serviceName } = config;
    if (otlp === null) return new Traces(new PassingTracer());
    const [{ OtelTracer }, { OtlpExporter }, { SpanQueue }] = await Promise.all([
      import('./adapters/tracing/otel.tracer.js'),
      import('./adapters/tracing/otlp.exporter.js'),
      import('./adapters/tracing/span.queue.js'),
    ]);
    const { endpoint, caPem } = otlp;
    const headers = Object.fromEntries([...otlp.headers].map(([name, it]) => [name, it.reveal()]));
    const exporter = new OtlpExporter({ endpoint, headers, caPem });
    const queue = new SpanQueue({ exporter, onDropped });
    const service = { name: serviceName, version: packageJson.version, instance: replica };
    const tracer = new OtelTracer({ service, sampleRatio, queue });
    return new Traces(tracer, { queue, tracer });
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
