import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { OtelTracer } from '../../src/adapters/tracing/otel.tracer.js';
import { SpanQueue } from '../../src/adapters/tracing/span.queue.js';

/** A tracer that keeps its spans here; those that have ended are there when it was closed. */
export function keptSpans(): { readonly tracer: OtelTracer; readonly spans: ReadableSpan[] } {
  const spans: ReadableSpan[] = [];
  const queue = new SpanQueue({
    exporter: {
      export: (ended, done) => {
        spans.push(...ended);
        done({ code: ExportResultCode.SUCCESS });
      },
      shutdown: () => Promise.resolve(),
      cut: () => undefined,
    },
    onDropped: () => undefined,
  });
  const service = { name: 'hallpass', version: '1', instance: 'broker-1' };
  return { tracer: new OtelTracer({ service, sampleRatio: 1, queue }), spans };
}
