import { HttpException } from '@nestjs/common';
import type { Problem, ProblemCode } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

/** What Fastify, Nest and Node say about requests, in the words of the catalogue; by status. */
const BY_STATUS: Readonly<Record<number, { code: ProblemCode; detail: string }>> = {
  400: {
    code: 'invalid-request',
    detail: 'The request could not be read. Check its URL, headers and body.',
  },
  401: {
    code: 'unauthenticated',
    detail: 'Send an access token in the Authorization header, as "Bearer <token>".',
  },
  403: { code: 'forbidden', detail: 'You may not do this.' },
  404: {
    code: 'not-found',
    detail: 'There is nothing at this address. GET /openapi.json lists what there is.',
  },
  405: {
    code: 'method-not-allowed',
    detail: 'The header Allow lists the methods that this address takes.',
  },
  408: { code: 'invalid-request', detail: 'The request did not arrive in time.' },
  413: {
    code: 'too-large',
    detail: 'The body is larger than 64 KiB, or 1 MiB where drafts are simulated.',
  },
  414: { code: 'too-large', detail: 'The URL is too long.' },
  415: {
    code: 'unsupported-media-type',
    detail: 'Send the body as "Content-Type: application/json", without compression.',
  },
  429: { code: 'too-many-requests', detail: 'Try again later.' },
  431: { code: 'too-large', detail: 'The headers are too large.' },
};

/** The same by code, for what has no status or a misleading one. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * A refusal of the framework as one of ours; undefined for anything else, which is then a fault of the program. The
 * framework's own message is not shown: it may quote the request.
 */
export function frameworkProblem(error: unknown): Problem | undefined {
  const status = statusOf(error);
  if (status === undefined || status < 400 || status >= 500) return undefined;
  const row = BY_STATUS[status] ?? BY_STATUS[400];
  return row && problem(row.code, row.detail, { cause: error });
}

/** A request that is not HTTP, or not in time, as one of ours. */
export function clientErrorProblem(error: { readonly code?: string }): Problem {
  const row = BY_STATUS[STATUS_BY_CODE[error.code ?? ''] ?? 400];
  return problem(row?.code ?? 'invalid-request', row?.detail ?? '', { cause: error });
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined;
  // Errors of other libraries may have a statusCode too, such as the cluster's: those are not about this request.
  const fastifys = typeof error.code === 'string' && error.code.startsWith('FST_');
  return fastifys && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
