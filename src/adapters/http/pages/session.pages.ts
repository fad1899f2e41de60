import { Body, Controller, Get, HttpCode, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../../app/caller.js';
import { personOf } from '../../../app/caller.js';
import { DecideSession } from '../../../app/decide-session.js';
import type { SignInWish } from '../../../app/ports/browser.sign-in.js';
import { ReadSession } from '../../../app/read-session.js';
import { fieldErrors, plainSentence } from '../../../contract/field.errors.js';
import { NewDecision } from '../../../contract/session.schema.js';
import type { SignInRule } from '../../../domain/policy/sign-in.rule.js';
import { signInParameters } from '../../../domain/policy/sign-in.rule.js';
import { problem } from '../../../domain/problem.js';
import { ByPage } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { orRefuse } from '../refused.error.js';
import { sessionIdIn } from '../session.id.js';
import { written } from './form.fields.js';
import type { VisitedRequest } from './page.door.js';
import { PageDoor } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { SessionShower } from './session.shower.js';

const Version = z.object({ version: z.coerce.number().int().min(1) });

/** A session for who is signed in by a browser: what it is, and where consent is given. */
@Controller('sessions/:id')
@ApiExcludeController()
@UseFilters(PageFilter)
export class SessionPages {
  constructor(
    private readonly shower: SessionShower,
    private readonly reading: ReadSession,
    private readonly deciding: DecideSession,
    private readonly door: PageDoor,
  ) {}

  @Get()
  @ByPage('session:read')
  async show(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.shower.show({ caller, id, request, reply });
  }

  /** Nothing that was good is lost where something was not: the page comes back with it, on the session as it is now. */
  @Post('decisions')
  @HttpCode(303)
  @ByPage('session:decide')
  async decide(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = { caller, id, request, reply };
    const draft = written(body, ['comment']);
    const seen = Version.safeParse(body).data;
    const verdict = z.object({ verdict: z.unknown() }).safeParse(body).data?.verdict;
    const word = NewDecision.safeParse({ verdict, ...draft }, { error: plainSentence });
    if (!seen || !word.success) {
      const errors = word.error ? fieldErrors(NewDecision, word.error.issues) : [];
      const refusal = problem('invalid-fields', 'Correct it and send it again.', { errors });
      return this.shower.show(visit, { refusal, draft });
    }
    const outcome = { ...word.data, seenVersion: seen.version };
    await this.shower.answer(
      visit,
      await this.deciding.decide(caller, sessionIdIn(id), outcome),
      draft,
    );
  }

  /** Leads to a sign-in as the terms want it for a consent, and back to the page: to decide is another step. */
  @Get('sign-in')
  @ByPage('session:decide')
  async signInAgain(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { session } = orRefuse(await this.reading.one(caller, sessionIdIn(id)));
    const next = `/sessions/${session.id}`;
    const rule = session.grant?.terms.approvals.signIn;
    const { visits, cookies } = this.door;
    const wish = rule === undefined ? {} : wishOf(rule);
    const { page, underWay } = orRefuse(await visits.begin(personOf(caller).iss, wish));
    cookies.keepUnderWay(reply, { ...underWay, next });
    void reply.status(303).header('location', page.href).send();
  }
}

/** No parameter asks for methods: the person is asked again, and may choose better. */
function wishOf(rule: SignInRule): SignInWish {
  return { ...signInParameters(rule), ...(rule.amr.length === 0 ? {} : { prompt: 'login' }) };
}
