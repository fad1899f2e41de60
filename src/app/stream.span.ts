import type { StreamKind } from '../domain/recording/recording.js';
import type { Way } from '../domain/policy/policy.js';
import type { Session } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { inTrace } from './caller.js';
import type { StreamEnd } from './enter-session.js';
import type { OpenSpan, Tracer } from './ports/tracer.js';

/**
 * Begins the span of a stream, from here to where its recording is finished: in the trace of its session, on whichever
 * replica, and pointing to the request that it was opened by.
 */
export function beginStream(
  tracer: Tracer,
  session: Session,
  { kind, way }: { readonly kind: StreamKind; readonly way: Way },
): OpenSpan {
  const { id, traceparent } = session;
  return tracer.begin('session.stream', {
    facts: { session: id, stream: kind, way },
    ...(traceparent === null ? {} : { under: traceparent, about: tracer.traceparent }),
  });
}

/** Who opens a stream, as what is told of it in the audit log is to name the trace. */
export function atStream(caller: Caller, span: OpenSpan): Caller['actor'] {
  return inTrace(caller, span.traceparent).actor;
}

export function endStream(span: OpenSpan, end: StreamEnd): void {
  const facts = { end: end.kind };
  span.end(end.kind === 'refused' ? { refused: end.problem.problem, facts } : { facts });
}
