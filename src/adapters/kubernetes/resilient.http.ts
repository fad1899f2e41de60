import { IsomorphicFetchHttpLibrary, ResponseContext } from '@kubernetes/client-node';
import type { PromiseHttpLibrary, RequestContext } from '@kubernetes/client-node';
import { pause } from '../../app/pause.js';
import type { Durations } from '../../app/ports/stopwatch.js';
import type { OpenSpan, SpanFacts } from '../../app/ports/tracer.js';
import { apiCallOf } from './api.call.js';
import type { ApiFailure } from './api.failure.js';
import { ApiFailureError } from './api.failure.js';
import type { CallSpans } from './call.spans.js';
import type { RetryLimits } from './retry.policy.js';
import { retryWaitMs, wasNotSent } from './retry.policy.js';
import { readStatus } from './status.schema.js';

/** Longer than any caller waits, and far from what times and timers can hold. */
const RETRY_AFTER_SECONDS_MAX = 3_600;
const NEVER = new AbortController().signal;

/** Takes down how long a try took. */
export type TookNote = (
  seconds: number,
  labels: Omit<Durations['clusterRequest'], 'cluster'>,
) => void;

/**
 * Sends what client-node's generated calls ask for: each try and the whole call bounded in time, repeated where that is
 * safe and may help. Answers below 300 with a JSON body are given on; anything else is thrown as {@link ApiFailureError}.
 */
export class ResilientHttp implements PromiseHttpLibrary {
  private readonly http = new IsomorphicFetchHttpLibrary();

  constructor(
    private readonly limits: RetryLimits,
    private readonly told: {
      /** Told of each call. */
      readonly calls: CallSpans;
      /** Told how long each try took. */
      readonly took: TookNote;
      /** Told what each try came to. */
      readonly heard?: (outcome: ResponseContext | ApiFailure) => void;
    },
  ) {}

  async send(request: RequestContext): Promise<ResponseContext> {
    const call = apiCallOf(request.getHttpMethod(), request.getUrl());
    return this.told.calls.follow(call, (span) => this.sendUntilTaken(request, span));
  }

  private async sendUntilTaken(request: RequestContext, span: OpenSpan): Promise<ResponseContext> {
    const { limits } = this;
    const signal = request.getSignal() ?? NEVER;
    const endsAt = performance.now() + limits.callMs;
    let inDoubt = false;
    for (let tries = 1; ; tries++) {
      const leftMs = endsAt - performance.now();
      const beganMs = performance.now();
      const outcome = await this.attempt(request, { signal, leftMs });
      // Whoever gave up waiting tells nothing of the cluster.
      if (!signal.aborted) this.note(request, outcome, beganMs);
      span.note(factsOf(outcome, tries));
      this.told.heard?.(outcome);
      if (outcome instanceof ResponseContext) return outcome;
      inDoubt ||= !outcome.definite;
      const waitMs = retryWaitMs({
        failure: outcome,
        method: request.getHttpMethod(),
        tries,
        leftMs: endsAt - performance.now(),
        limits,
        random: Math.random,
      });
      if (waitMs !== undefined) await pause(waitMs, signal);
      if (waitMs === undefined || signal.aborted) {
        throw new ApiFailureError(inDoubt ? doubted(outcome) : outcome);
      }
    }
  }

  private note(
    request: RequestContext,
    outcome: ResponseContext | ApiFailure,
    beganMs: number,
  ): void {
    const how = outcome instanceof ResponseContext ? 'answered' : outcome.failure;
    if (how === 'misconfigured') return;
    const seconds = (performance.now() - beganMs) / 1000;
    this.told.took(seconds, { method: request.getHttpMethod(), outcome: how });
  }

  private async attempt(
    request: RequestContext,
    { signal, leftMs }: { signal: AbortSignal; leftMs: number },
  ): Promise<ResponseContext | ApiFailure> {
    const limitMs = Math.max(1, Math.min(leftMs, this.limits.attemptMs));
    request.setSignal(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]));
    try {
      const response = await this.http.send(request).toPromise();
      // The body is read here, within the time limit, and a connection cut in its middle is a failure like any other.
      return judge(response, await response.body.text());
    } catch (cause) {
      return { failure: 'silent', definite: wasNotSent(cause), cause };
    } finally {
      request.setSignal(signal);
    }
  }
}

function factsOf(outcome: ResponseContext | ApiFailure, tries: number): SpanFacts {
  const retries = tries === 1 ? {} : { retries: tries - 1 };
  if (outcome instanceof ResponseContext) return { status: outcome.httpStatusCode, ...retries };
  return { ...(outcome.failure === 'refused' ? { status: outcome.httpStatus } : {}), ...retries };
}

function judge(response: ResponseContext, text: string): ResponseContext | ApiFailure {
  const { httpStatusCode: httpStatus, headers } = response;
  const type = headers['content-type'] ?? '';
  if (httpStatus >= 200 && httpStatus < 300) {
    if (!/^application\/json\s*(;|$)/.test(type)) {
      const cause = new Error(`an answer of type "${type}" instead of JSON`);
      return { failure: 'unreadable', definite: false, cause };
    }
    const body = {
      text: () => Promise.resolve(text),
      binary: () => Promise.resolve(Buffer.from(text)),
      stream: () => null,
    };
    return new ResponseContext(httpStatus, headers, body);
  }
  return refusal({ httpStatus, retryAfter: headers['retry-after'], body: text });
}

/** The failure that an HTTP answer above 299 is. Where a server says 500 and more, it may have done it nevertheless. */
export function refusal(answer: {
  readonly httpStatus: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}): ApiFailure {
  const status = readStatus(answer.body);
  // Kubernetes sends seconds; an HTTP date (RFC 9110 §10.2.3) comes from a proxy, and is as good as none.
  const seconds = Number(answer.retryAfter ?? status.details?.retryAfterSeconds ?? Number.NaN);
  return {
    failure: 'refused',
    definite: answer.httpStatus < 500,
    httpStatus: answer.httpStatus,
    status,
    ...(seconds >= 0 ? { retryAfterSeconds: Math.min(seconds, RETRY_AFTER_SECONDS_MAX) } : {}),
  };
}

function doubted(failure: ApiFailure): ApiFailure {
  // What cannot be sent was in no doubt before either: credentials are found before the first try.
  return failure.failure === 'misconfigured' ? failure : { ...failure, definite: false };
}
