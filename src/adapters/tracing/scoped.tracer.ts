import { AsyncLocalStorage } from 'node:async_hooks';
import type { OpenSpan } from '../../app/ports/tracer.js';
import { Tracer } from '../../app/ports/tracer.js';

/** Knows the span that is being worked in, across all that is awaited, without a word of those in between. */
export abstract class ScopedTracer extends Tracer {
  /** Of this tracer alone: several brokers of one process do not see each other's. */
  private readonly spans = new AsyncLocalStorage<OpenSpan>();

  override current(): OpenSpan | undefined {
    return this.spans.getStore();
  }

  override within<T>(span: OpenSpan, work: () => T): T {
    return this.spans.run(span, work);
  }
}
