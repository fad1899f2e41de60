declare const brand: unique symbol;
/**
 * Where in a trace something happened, as a `traceparent` of W3C Trace Context, version 00: the trace, the span, and the
 * flags. Always one that {@link parseTraceparent} takes.
 */
export type Traceparent = string & { readonly [brand]: 'Traceparent' };

/** What a traceparent says. */
export interface TracePlace {
  /** 32 hexadecimal digits in lower case, not all of them 0. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Whether what is done there is kept for people to look at. */
  readonly isSampled: boolean;
}

/** Longer ones, of versions to come, are none: a version only adds to the end, and nobody needs that. */
const CHARACTERS_MAX = 128;
const FORM =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SAMPLED = 0x01;
/** The flags that are known: sampled, and a trace's id made at random (Trace Context level 2). */
const KNOWN_FLAGS = 0x03;

/**
 * The traceparent that somebody sent (W3C Trace Context §3.2), as version 00 has it; `undefined` for anything that is none,
 * and for several: who sends such begins no trace here.
 */
export function parseTraceparent(sent: unknown): Traceparent | undefined {
  if (typeof sent !== 'string' || sent.length > CHARACTERS_MAX) return undefined;
  const [, version, traceId, spanId, flags, more] = FORM.exec(sent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return formed(traceId, spanId, Number.parseInt(flags, 16) & KNOWN_FLAGS);
}

/**
 * The trace that somebody asks for: its id as tracing tools show it, or a whole traceparent, in letters of either case.
 * `undefined` for anything else.
 */
export function traceIdOf(asked: string): string | undefined {
  const text = asked.toLowerCase();
  if (TRACE_ID.test(text)) return text;
  const traceparent = parseTraceparent(text);
  return traceparent && placeOf(traceparent).traceId;
}

/** What {@link traceIdOf} takes, as the end of a sentence about what it does not. */
export const TRACE_RULE =
  'must be the id of a trace, 32 hexadecimal digits that are not all 0, or a whole traceparent (W3C Trace Context)';

/** The traceparent of a place. */
export function traceparentOf({ traceId, spanId, isSampled }: TracePlace): Traceparent {
  return formed(traceId, spanId, isSampled ? SAMPLED : 0);
}

/** The place that a traceparent names. */
export function placeOf(traceparent: Traceparent): TracePlace {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** The same place, where nothing more is kept of what is done there. */
export function unkept(traceparent: Traceparent): Traceparent {
  return traceparentOf({ ...placeOf(traceparent), isSampled: false });
}

/** What a line of a log says of the trace that it is of, as OpenTelemetry names it for logs that are JSON. */
export function traceFields(traceparent: Traceparent | undefined): object {
  if (traceparent === undefined) return {};
  const [, traceId, spanId, flags] = traceparent.split('-');
  return { trace_id: traceId, span_id: spanId, trace_flags: flags };
}

/** Whether two places are in one trace. */
export function sameTrace(a: Traceparent, b: Traceparent): boolean {
  return placeOf(a).traceId === placeOf(b).traceId;
}

function formed(traceId: string, spanId: string, flags: number): Traceparent {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}` as Traceparent;
}
