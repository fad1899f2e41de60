import { isProblem } from '../../domain/problem.js';
import type { Session } from '../../domain/session/session.js';
import type { Traceparent } from '../../domain/traceparent.js';
import { unkept } from '../../domain/traceparent.js';

/** Every kind of span, and which side of a conversation it tells of (OpenTelemetry's span kinds). */
export const SPANS = {
  'http.request': 'server',
  'slack.message': 'consumer',
  'session.decide': 'internal',
  'session.step': 'internal',
  'session.launch': 'internal',
  'session.extend': 'internal',
  'session.check': 'internal',
  'session.retire': 'internal',
  'session.finish': 'internal',
  'session.stream': 'internal',
  'cluster.call': 'client',
} as const satisfies Readonly<Record<string, 'server' | 'client' | 'consumer' | 'internal'>>;
export type SpanName = keyof typeof SPANS;

/**
 * What a span may tell. Nothing else is: no person, Pod, namespace or address, nothing that anybody typed, and no words of an
 * error. Of a session its id, by which the audit log says the rest to whom it may.
 */
export interface SpanFacts {
  readonly session?: string;
  /** A step of the session machine. */
  readonly event?: string;
  /** What policy said, by which rule of which set. */
  readonly verdict?: string;
  readonly rule?: string;
  readonly policySet?: string;
  readonly cluster?: string;
  /** Of Kubernetes' API: `patch` of `pods/ephemeralcontainers`. */
  readonly verb?: string;
  readonly resource?: string;
  /** Tries after the first. */
  readonly retries?: number;
  /** The kind of a stream, how it is used, and how it ended. */
  readonly stream?: string;
  readonly way?: string;
  readonly end?: string;
  readonly method?: string;
  /** The template of a route, never a path. */
  readonly route?: string;
  readonly scheme?: string;
  /** An HTTP status. */
  readonly status?: number;
}

export interface SpanStart {
  /** What it is called where that says more than its kind; of few values, like a route's template. */
  readonly title?: string;
  readonly facts?: SpanFacts;
  /**
   * The span above it. Left out: the one that is being worked in; null: it begins a trace of its own; `nowhere`: nobody is
   * told of it, nor of what is below it.
   */
  readonly under?: Traceparent | null | 'nowhere';
  /** A place in another trace that it has to do with. */
  readonly about?: Traceparent | null | undefined;
}

/** How it went: `fault`, and nothing where all went well; `refused` is an answer, and no fault. */
export interface SpanOutcome {
  /** A code, or the name of a class: never an error's own words. */
  readonly fault?: string;
  readonly refused?: string;
  readonly facts?: SpanFacts;
}

/** A span that is open. */
export interface OpenSpan {
  /** Where in which trace it is; undefined where there is none. */
  readonly traceparent: Traceparent | undefined;
  /** Tells more of it, and of a place in another trace. Nothing once it has ended. */
  note(facts: SpanFacts, about?: Traceparent | null): void;
  /** Ends it, once. */
  end(outcome?: SpanOutcome): void;
}

/** Follows what is done for one request through the program, to whoever collects traces. Delays nobody, and never throws. */
export abstract class Tracer {
  /** The span that is being worked in. */
  abstract current(): OpenSpan | undefined;

  /** Begins a span, in which nothing is worked yet. Whoever begins it ends it. */
  abstract begin(name: SpanName, start?: SpanStart): OpenSpan;

  /** Does work in a span: what it begins, and what it leaves to be done later, is below it. */
  abstract within<T>(span: OpenSpan, work: () => T): T;

  /** The trace that is being worked in. */
  get traceparent(): Traceparent | undefined {
    return this.current()?.traceparent;
  }

  /** Does work in a span of its own, which ends with it: as a fault where it throws, as refused where it is a problem. */
  async run<T>(name: SpanName, start: SpanStart, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const span = this.begin(name, start);
    try {
      const outcome = await this.within(span, () => work(span));
      span.end(isProblem(outcome) ? { refused: outcome.problem } : {});
      return outcome;
    } catch (error) {
      span.end({ fault: error instanceof Error ? error.name : 'unknown' });
      throw error;
    }
  }
}

/** A span of which nobody is told. */
export const NO_SPAN: OpenSpan = {
  traceparent: undefined,
  note: () => undefined,
  end: () => undefined,
};

/** Follows nothing. */
class NoTracer extends Tracer {
  current(): undefined {
    return undefined;
  }

  begin(): OpenSpan {
    return NO_SPAN;
  }

  within<T>(_span: OpenSpan, work: () => T): T {
    return work();
  }
}

export const UNTRACED: Tracer = new NoTracer();

/** How long after a session's last step what the broker does for it still belongs to the session's trace. */
const LINGER_MS = 60_000;

/**
 * Where work of the broker's own on a session is told: in the session's trace while that is young, so that it is whole from
 * asking to end; later in traces of its own that point to it, so that none grows without end.
 */
export function ownWork(session: Session, now: Date): Pick<SpanStart, 'under' | 'about'> {
  const { traceparent } = session;
  const isYoung = now.getTime() - session.updatedAt.getTime() < LINGER_MS;
  return traceparent !== null && isYoung
    ? { under: traceparent }
    : { under: null, about: traceparent };
}

/**
 * Where a look at a session is told that is taken every few seconds: nowhere, for there would be more of such than of all
 * else. What is logged meanwhile is of the session's trace all the same, and so is a step that comes of it.
 */
export function routineWork({ traceparent }: Session): Pick<SpanStart, 'under'> {
  return { under: traceparent === null ? 'nowhere' : unkept(traceparent) };
}
