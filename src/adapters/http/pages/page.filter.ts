import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Journal } from '../../../app/ports/journal.js';
import type { Problem } from '../../../domain/problem.js';
import { PROBLEMS, problem } from '../../../domain/problem.js';
import { DatabaseOutage } from '../database.outage.js';
import { frameworkProblem } from '../framework.errors.js';
import { Refused } from '../refused.error.js';
import { markup } from '../../../app/views/html.text.js';
import { showPage } from './page.js';
import { SignInFirst } from './page.door.js';

/** Answers refusals as pages, and sends who is not signed in to sign in. Never shows a cause or a stack. */
@Catch()
export class PageFilter implements ExceptionFilter {
  constructor(
    private readonly journal: Journal,
    private readonly outage: DatabaseOutage,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    if (error instanceof SignInFirst) {
      const page = `/sign-in?next=${encodeURIComponent(error.next)}`;
      if (request.method === 'GET') void reply.status(303).header('location', page).send();
      else showSignIn(reply, page, request.body);
      return;
    }
    const found = this.explain(error, request);
    const { status, title } = PROBLEMS[found.problem];
    showPage(reply, {
      status,
      title,
      body: markup`<p>${found.detail}</p>
        ${(found.errors ?? []).map(({ message }) => markup`<p>${message}</p>`)}`,
    });
  }

  private explain(error: unknown, request: FastifyRequest): Problem {
    if (error instanceof Refused) {
      const { problem: code, cause } = error.problem;
      if (cause !== undefined) {
        this.journal.info({ request: request.id, problem: code, err: cause }, 'a page was refused');
      }
      return error.problem;
    }
    const framework = frameworkProblem(error);
    if (framework) return framework;
    if (this.outage.is(error)) {
      return problem('database-unavailable', 'Look whether it was done, then try again.');
    }
    this.journal.error({ request: request.id, err: error }, 'a page failed');
    return problem(
      'internal',
      `It is in the log under the request id ${request.id}: tell it to those who run Hallpass.`,
    );
  }
}

const Written = z.object({
  comment: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
});

/**
 * For a form that came too late: browsers follow no form to another site (`form-action`), so that a link leads to sign
 * in. Nothing was done; what was written is there to be copied.
 */
function showSignIn(reply: FastifyReply, page: string, body: unknown): void {
  const { comment, reason } = Written.safeParse(body).data ?? {};
  const words = [comment, reason].filter((text) => text !== undefined && text.trim() !== '');
  showPage(reply, {
    status: PROBLEMS.unauthenticated.status,
    title: 'Sign in again',
    body: markup`<p>You are not signed in any more: nothing was done.</p>
      <p><a href="${page}">Sign in, and come back</a></p>
      ${words.length > 0 && markup`<p>What you wrote, to be copied:</p>`}
      ${words.map((text) => markup`<pre>${text}</pre>`)}`,
  });
}
