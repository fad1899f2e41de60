import { Body, Controller, Get, HttpCode, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../../app/caller.js';
import { DecideSession } from '../../../app/decide-session.js';
import { Presence } from '../../../app/ports/presence.js';
import { SessionStore } from '../../../app/ports/session.store.js';
import { ReadReviews } from '../../../app/read-reviews.js';
import { ReadSession } from '../../../app/read-session.js';
import { fieldErrors, plainSentence } from '../../../contract/field.errors.js';
import { NewDecision } from '../../../contract/session.schema.js';
import { problem } from '../../../domain/problem.js';
import { ByPage } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { Refused, orRefuse } from '../refused.error.js';
import { sessionAnswerOf } from '../session.answer.js';
import { sessionIdIn } from '../session.id.js';
import type { VisitedRequest } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { showPage } from './page.js';
import { sessionBody } from './session.page.js';
import { visitorOf } from './visitor.js';

const Version = z.object({ version: z.coerce.number().int().min(1) });
/** Of the form's own fields and the browser's line ends nothing is left. */
const Word = z
  .object({ verdict: z.unknown(), comment: z.string().optional() })
  .transform(({ verdict, comment = '' }) => {
    const text = comment.replaceAll('\r\n', '\n').trim();
    return text === '' ? { verdict } : { verdict, comment: text };
  });

/** A session for who is signed in by a browser: what it is, and where consent is given. */
@Controller('sessions/:id')
@ApiExcludeController()
@UseFilters(PageFilter)
export class SessionPages {
  constructor(
    private readonly reading: ReadSession,
    private readonly deciding: DecideSession,
    readonly store: SessionStore,
    readonly reviews: ReadReviews,
    readonly presence: Presence,
  ) {}

  @Get()
  @ByPage('session:read')
  async show(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { session, ...said } = orRefuse(await this.reading.one(caller, sessionIdIn(id)));
    const details = await sessionAnswerOf(this, caller, session, said);
    const visitor = visitorOf(request);
    showPage(reply, {
      title: `Session ${session.id}`,
      visitor,
      body: sessionBody(details, session.grant?.profile ?? null, visitor.formToken),
    });
  }

  @Post('decisions')
  @HttpCode(303)
  @ByPage('session:decide')
  async decide(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() body: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const seen = Version.safeParse(body).data;
    const word = NewDecision.safeParse(Word.safeParse(body).data, { error: plainSentence });
    if (!seen || !word.success) {
      const errors = word.error ? fieldErrors(NewDecision, word.error.issues) : [];
      throw new Refused(problem('invalid-fields', 'Go back and correct it.', { errors }));
    }
    const sessionId = sessionIdIn(id);
    const outcome = { ...word.data, seenVersion: seen.version };
    orRefuse(await this.deciding.decide(caller, sessionId, outcome));
    void reply.status(303).header('location', `/sessions/${sessionId}`).send();
  }
}
