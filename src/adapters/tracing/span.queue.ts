import { TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';

/** Why a span was told to nobody: no room for it, or the collector did not take it. */
export type DropCause = 'queue-full' | 'not-taken';

export interface SpanCounts {
  readonly sent: number;
  readonly dropped: Readonly<Record<DropCause, number>>;
}

/** Some seconds of a busy replica; a span takes less than two kilobytes. */
const SPANS_MAX = 2_048;
const BATCH_MAX = 512;
const EVERY_MS = 1_000;
/** Longer than the exporter itself takes at most. */
const EXPORT_MS_MAX = 30_000;
/** That spans are dropped is told this often. */
const TELL_MS = 60_000;

/** An exporter that can be made to let go of what it is at. */
export interface CuttableExporter extends SpanExporter {
  cut(): void;
}

/**
 * The spans that have ended and are on their way to the collector, those being sent included: so many at most, and no more.
 * Whoever ends a span waits for nothing; what has no room is dropped and counted.
 */
export class SpanQueue {
  readonly processor: SpanProcessor;
  private readonly batches: BatchSpanProcessor;
  private waiting = 0;
  private sent = 0;
  private readonly dropped = { 'queue-full': 0, 'not-taken': 0 };
  private untold = 0;
  private toldAtMs = -Infinity;

  constructor(
    private readonly parts: {
      readonly exporter: CuttableExporter;
      /** Told at once, then now and then for as long as it lasts: how many since it was told last. */
      readonly onDropped: (spans: number, why: DropCause, cause?: unknown) => void;
      readonly spansMax?: number;
      readonly everyMs?: number;
    },
  ) {
    const { exporter, spansMax = SPANS_MAX, everyMs = EVERY_MS } = parts;
    this.batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) =>
          exporter.export(spans, (result) => {
            this.waiting -= spans.length;
            if (result.code === ExportResultCode.SUCCESS) this.sent += spans.length;
            else this.drop(spans.length, 'not-taken', result.error);
            // As if it had been: the SDK has nothing to do about it, and nobody to tell.
            done({ code: ExportResultCode.SUCCESS });
          }),
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: spansMax,
      maxExportBatchSize: Math.min(BATCH_MAX, spansMax),
      scheduledDelayMillis: everyMs,
      exportTimeoutMillis: EXPORT_MS_MAX,
    });
    this.processor = {
      onStart: () => undefined,
      onEnd: (span) => this.take(span, spansMax),
      forceFlush: () => this.batches.forceFlush(),
      shutdown: () => this.batches.shutdown(),
    };
  }

  counts(): SpanCounts {
    return { sent: this.sent, dropped: this.dropped };
  }

  /** Lets go of what is being sent. */
  cut(): void {
    this.parts.exporter.cut();
  }

  private take(span: ReadableSpan, spansMax: number): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.waiting >= spansMax) {
      this.drop(1, 'queue-full');
      return;
    }
    this.waiting++;
    this.batches.onEnd(span);
  }

  private drop(spans: number, why: DropCause, cause?: unknown): void {
    this.dropped[why] += spans;
    this.untold += spans;
    const nowMs = performance.now();
    if (nowMs - this.toldAtMs < TELL_MS) return;
    this.toldAtMs = nowMs;
    this.parts.onDropped(this.untold, why, cause);
    this.untold = 0;
  }
}
