import { STATUS_CODES } from 'node:http';
import type { ProblemDocument } from '../../contract/problem.schema.js';
import { problemType } from '../../contract/problem.schema.js';
import type { Problem } from '../../domain/problem.js';
import { PROBLEMS } from '../../domain/problem.js';
import { securityHeaders } from './security.headers.js';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A refusal as it goes over the wire (RFC 9457). The `cause` stays here. */
export function problemDocument(problem: Problem, requestId: string): ProblemDocument {
  const { status, title } = PROBLEMS[problem.problem];
  return {
    type: problemType(problem.problem),
    title,
    status,
    detail: problem.detail,
    instance: `urn:request:${requestId}`,
    ...(problem.errors
      ? { errors: problem.errors.map(({ path, message }) => ({ path, message })) }
      : {}),
    ...(problem.retryAfterSeconds === undefined
      ? {}
      : { retry_after_seconds: Math.ceil(problem.retryAfterSeconds) }),
  };
}

/** The same as bytes: Fastify would give a text a charset, which this media type does not have (RFC 9457 §6.1). */
export function problemBytes(problem: Problem, requestId: string): Buffer {
  return Buffer.from(JSON.stringify(problemDocument(problem, requestId)));
}

/** The headers that a refusal brings. */
export function problemHeaders(problem: Problem): Record<string, string> {
  return {
    'content-type': PROBLEM_MEDIA_TYPE,
    'cache-control': 'no-store',
    ...(problem.retryAfterSeconds === undefined
      ? {}
      : { 'retry-after': String(Math.ceil(problem.retryAfterSeconds)) }),
    ...(problem.problem === 'unauthenticated'
      ? { 'www-authenticate': 'Bearer realm="hallpass"' }
      : {}),
  };
}

/** A whole answer in bytes, for requests that were not understood well enough to have a reply object. */
export function rawProblemResponse(problem: Problem, requestId: string): string {
  const { status } = PROBLEMS[problem.problem];
  const body = problemBytes(problem, requestId);
  const headers = {
    ...securityHeaders('/', false),
    ...problemHeaders(problem),
    'x-request-id': requestId,
    'content-length': String(body.length),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body.toString()}`;
}
