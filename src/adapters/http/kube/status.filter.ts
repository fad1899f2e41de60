import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Journal } from '../../../app/ports/journal.js';
import type { Problem } from '../../../domain/problem.js';
import { problem } from '../../../domain/problem.js';
import { DatabaseOutage } from '../database.outage.js';
import { frameworkProblem } from '../framework.errors.js';
import { problemHeaders } from '../problem.document.js';
import { Refused } from '../refused.error.js';
import { statusOf } from './kube.status.js';

/** Answers refusals as Kubernetes' Status, for kubectl to show. Never shows a cause or a stack. */
@Catch()
export class StatusFilter implements ExceptionFilter {
  constructor(
    private readonly journal: Journal,
    private readonly outage: DatabaseOutage,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const found = this.explain(error, request);
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    const status = statusOf(found);
    const { 'retry-after': _, ...headers } = problemHeaders(found);
    // As bytes: Fastify would give a text a charset, which Kubernetes' own answers do not have.
    void reply
      .status(status.code)
      .headers({ ...headers, 'content-type': 'application/json' })
      .send(Buffer.from(JSON.stringify(status)));
  }

  private explain(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Refused) {
      if (error.problem.cause !== undefined) {
        const { problem: code, cause } = error.problem;
        this.journal.info(
          { request: request.id, problem: code, err: cause },
          'kubectl was refused',
        );
      }
      return error.problem;
    }
    const framework = frameworkProblem(error);
    if (framework) return framework;
    if (this.outage.is(error)) {
      return problem('database-unavailable', 'Look whether it was done, then try again.');
    }
    this.journal.error({ request: request.id, err: error }, 'a request of kubectl failed');
    return problem(
      'internal',
      `It is in the log under the request id ${request.id}: tell it to those who run Hallpass.`,
    );
  }
}
