import { IsomorphicFetchHttpLibrary } from '@kubernetes/client-node';
import type { RequestContext, ResponseContext } from '@kubernetes/client-node';
import type { OpenSpan, SpanOutcome, Tracer } from '../../app/ports/tracer.js';
import type { ApiCall } from './api.call.js';
import { apiCallOf } from './api.call.js';
import type { ApiFailure } from './api.failure.js';
import { ApiFailureError } from './api.failure.js';

/** Makes a span of each call to one cluster, with all its tries. */
export class CallSpans {
  constructor(
    private readonly tracer: Tracer,
    private readonly cluster: string,
  ) {}

  /** Sends a request whose answer is read as it comes: the span is over when that begins. */
  async open(request: RequestContext): Promise<ResponseContext> {
    const call = apiCallOf(request.getHttpMethod(), request.getUrl());
    return this.follow(call, async (span) => {
      const response = await new IsomorphicFetchHttpLibrary().send(request).toPromise();
      span.note({ status: response.httpStatusCode });
      return response;
    });
  }

  async follow<T>(call: ApiCall, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const { verb, resource } = call;
    const span = this.tracer.begin('cluster.call', {
      title: `${verb} ${resource}`,
      facts: { cluster: this.cluster, ...call },
    });
    try {
      const outcome = await this.tracer.within(span, () => work(span));
      span.end();
      return outcome;
    } catch (error) {
      span.end(error instanceof ApiFailureError ? endOf(error.failure) : { fault: 'silent' });
      throw error;
    }
  }
}

/** A refusal of the API server is an answer: whether it is a fault, whoever asked knows. */
export function endOf(failure: ApiFailure): SpanOutcome {
  if (failure.failure !== 'refused') return { fault: failure.failure };
  const reason = `${failure.httpStatus}`;
  return failure.httpStatus >= 500 ? { fault: reason } : { refused: reason };
}
