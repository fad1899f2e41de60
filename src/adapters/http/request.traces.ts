import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OpenSpan, Tracer } from '../../app/ports/tracer.js';
import type { Traceparent } from '../../domain/traceparent.js';
import { parseTraceparent } from '../../domain/traceparent.js';

/** What became another protocol: what is said in that is another span's. */
const SWITCHED = 101;

const open = new WeakMap<IncomingMessage, OpenSpan>();

/**
 * Makes a span of each request, below the one that its `traceparent` names, and does all of it in there. A header that is
 * none begins a trace like none at all.
 */
export function traceRequests(instance: FastifyInstance, tracer: Tracer): void {
  instance.addHook('onRequest', (request, reply, done) => {
    const { method, protocol: scheme } = request;
    const { url: route } = request.routeOptions;
    const span = tracer.begin('http.request', {
      title: route === undefined ? method : `${method} ${route}`,
      facts: { method, scheme, ...(route === undefined ? {} : { route }) },
      under: parseTraceparent(request.headers.traceparent) ?? null,
    });
    open.set(request.raw, span);
    reply.raw.once('close', () => {
      const { writableFinished, statusCode: status } = reply.raw;
      if (!writableFinished) span.end({ refused: 'aborted' });
      else span.end({ ...(status >= 500 ? { fault: `${status}` } : {}), facts: { status } });
    });
    tracer.within(span, done);
  });
  // Once more after the body, whose reading forgets where it is done.
  instance.addHook('preValidation', (request, _reply, done) => {
    const span = open.get(request.raw);
    if (span) tracer.within(span, done);
    else done();
  });
}

/** A request was taken over by another protocol, and is answered thereby. */
export function endSwitched({ raw }: Pick<FastifyRequest, 'raw'>): void {
  open.get(raw)?.end({ facts: { status: SWITCHED } });
}

/** The trace of a request, also where it is not being worked on. */
export function traceparentOf(request: IncomingMessage): Traceparent | undefined {
  return open.get(request)?.traceparent;
}
