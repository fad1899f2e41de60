import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Journal } from '../../app/ports/journal.js';
import type { Problem } from '../../domain/problem.js';
import { PROBLEMS, problem } from '../../domain/problem.js';
import { DatabaseOutage } from './database.outage.js';
import { frameworkProblem } from './framework.errors.js';
import { problemBytes, problemHeaders } from './problem.document.js';
import { Refused } from './refused.error.js';
import { RouteTable } from './route.table.js';

const DATABASE_RETRY_SECONDS = 5;

/** The one place that answers with refusals, whoever made them (RFC 9457). Never shows a cause or a stack. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly journal: Journal,
    private readonly outage: DatabaseOutage,
    private readonly routes: RouteTable,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { problem: found, headers } = this.explain(error, request);
    this.log(found, request, error);
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    void reply
      .status(PROBLEMS[found.problem].status)
      .headers({ ...problemHeaders(found), ...headers })
      .send(problemBytes(found, request.id));
  }

  private explain(
    error: unknown,
    request: FastifyRequest,
  ): { problem: Problem; headers?: Readonly<Record<string, string>> } {
    if (error instanceof Refused) return error;
    const framework = frameworkProblem(error);
    if (framework?.problem === 'not-found') return this.nothingThere(framework, request);
    if (framework) return { problem: framework };
    if (this.outage.is(error)) {
      return {
        problem: problem(
          'database-unavailable',
          'Nothing was changed, or the answer was lost: look, then try again.',
          {
            retryAfterSeconds: DATABASE_RETRY_SECONDS,
            cause: error,
          },
        ),
      };
    }
    const detail = `It is in the log under the request id ${request.id}: tell it to those who run Hallpass.`;
    return { problem: problem('internal', detail, { cause: error }) };
  }

  private nothingThere(notFound: Problem, request: FastifyRequest) {
    const path = request.url.split('?', 1)[0] ?? '/';
    const methods = this.routes.methodsAt(path);
    if (methods.length === 0 || methods.includes(request.method)) return { problem: notFound };
    const allow = methods.join(', ');
    return {
      problem: problem('method-not-allowed', `This address takes ${allow}.`),
      headers: { allow },
    };
  }

  private log(found: Problem, request: FastifyRequest, error: unknown): void {
    const facts = { request: request.id, problem: found.problem, err: found.cause };
    if (found.problem === 'internal')
      this.journal.error({ ...facts, err: error }, 'a request failed');
    else if (PROBLEMS[found.problem].status >= 500)
      this.journal.warn(facts, 'a request was not served');
    else if (found.problem === 'unauthenticated' && found.cause !== undefined) {
      this.journal.info(facts, 'a sign-in was refused');
    }
  }
}
