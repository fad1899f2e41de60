import type { Context, Span, SpanContext, Tracer as OtelApiTracer } from '@opentelemetry/api';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import {
  ATTR_ERROR_TYPE,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions';
import { pause } from '../../app/pause.js';
import type {
  OpenSpan,
  SpanFacts,
  SpanName,
  SpanOutcome,
  SpanStart,
} from '../../app/ports/tracer.js';
import { NO_SPAN, SPANS } from '../../app/ports/tracer.js';
import type { Traceparent } from '../../domain/traceparent.js';
import { placeOf, sameTrace, traceparentOf } from '../../domain/traceparent.js';
import { ScopedTracer } from './scoped.tracer.js';
import { attributesOf } from './span.attributes.js';
import type { SpanQueue } from './span.queue.js';

/** What is told is of a fixed table; these bound it all the same. */
const LIMITS = {
  attributeValueLengthLimit: 256,
  attributeCountLimit: 24,
  linkCountLimit: 4,
  attributePerLinkCountLimit: 0,
  eventCountLimit: 0,
  attributePerEventCountLimit: 0,
};
/** Whoever stops waits no longer for the last spans to be taken. */
const CLOSE_MS_MAX = 2_000;

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

export interface TracedService {
  readonly name: string;
  readonly version: string;
  /** This replica. */
  readonly instance: string;
}

/** Spans by OpenTelemetry's SDK, which is told each context and knows no global one. */
export class OtelTracer extends ScopedTracer {
  private readonly provider: TracerProvider;
  private readonly otel: OtelApiTracer;

  constructor(
    private readonly parts: {
      readonly service: TracedService;
      /** How many of the traces that begin here are kept; those that begin elsewhere are as whoever began them says. */
      readonly sampleRatio: number;
      readonly queue: SpanQueue;
    },
  ) {
    super();
    const { service, sampleRatio, queue } = parts;
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({
        [ATTR_SERVICE_NAME]: service.name,
        [ATTR_SERVICE_VERSION]: service.version,
        [ATTR_SERVICE_INSTANCE_ID]: service.instance,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanLimits: LIMITS,
      spanProcessors: [queue.processor],
    });
    this.otel = this.provider.getTracer('hallpass', service.version);
  }

  override begin(name: SpanName, start: SpanStart = {}): OpenSpan {
    const { title = name, facts = {}, under, about } = start;
    // Where work is in no trace, it begins none by itself.
    const isNowhere = under === undefined && this.current() === NO_SPAN;
    if (under === 'nowhere' || isNowhere) return NO_SPAN;
    const context =
      under === undefined ? contextOf(this.traceparent, false) : contextOf(under, true);
    const options = { kind: KINDS[SPANS[name]], attributes: attributesOf(facts) };
    const span = new OtelSpan(this.otel.startSpan(title, options, context));
    span.note({}, about);
    return span;
  }

  /** Sends what is left, for a moment. */
  async close(): Promise<void> {
    const patience = new AbortController();
    const shut = this.provider.shutdown().catch(() => undefined);
    await Promise.race([shut, pause(CLOSE_MS_MAX, patience.signal)]);
    patience.abort();
    this.parts.queue.cut();
  }
}

class OtelSpan implements OpenSpan {
  readonly traceparent: Traceparent;
  private readonly linked = new Set<Traceparent>();

  constructor(private readonly span: Span) {
    const { traceId, spanId, traceFlags } = span.spanContext();
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    this.traceparent = traceparentOf({ traceId, spanId, isSampled });
  }

  note(facts: SpanFacts, about?: Traceparent | null): void {
    const { span } = this;
    // Told of one that has ended, the SDK would say so in its own log.
    if (!span.isRecording()) return;
    span.setAttributes(attributesOf(facts));
    if (!about || sameTrace(about, this.traceparent) || this.linked.has(about)) return;
    this.linked.add(about);
    span.addLink({ context: spanContextOf(about, true) });
  }

  end({ fault, refused, facts = {} }: SpanOutcome = {}): void {
    const { span } = this;
    if (!span.isRecording()) return;
    const type = fault ?? refused;
    span.setAttributes({
      ...attributesOf(facts),
      ...(type === undefined ? {} : { [ATTR_ERROR_TYPE]: type }),
    });
    if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}

/** @param isRemote whether the place may be another process's. */
function contextOf(place: Traceparent | null | undefined, isRemote: boolean): Context {
  if (!place) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(place, isRemote));
}

function spanContextOf(place: Traceparent, isRemote: boolean): SpanContext {
  const { traceId, spanId, isSampled } = placeOf(place);
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId, traceFlags, isRemote };
}
