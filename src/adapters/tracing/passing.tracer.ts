import type { OpenSpan, SpanName, SpanStart } from '../../app/ports/tracer.js';
import { NO_SPAN } from '../../app/ports/tracer.js';
import { ScopedTracer } from './scoped.tracer.js';

/**
 * Tells nobody of spans, and begins no trace. Where somebody sent the place of theirs, it is kept with what comes of it, so
 * that log and audit log can be found from there.
 */
export class PassingTracer extends ScopedTracer {
  override begin(_name: SpanName, { under }: SpanStart = {}): OpenSpan {
    if (under === undefined) return this.current() ?? NO_SPAN;
    return under === null || under === 'nowhere' ? NO_SPAN : { ...NO_SPAN, traceparent: under };
  }
}
