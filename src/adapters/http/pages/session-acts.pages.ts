import { createHash } from 'node:crypto';
import { Body, Controller, HttpCode, Param, Post, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ActOnSession } from '../../../app/act-on-session.js';
import type { Caller } from '../../../app/caller.js';
import { ExtendSession } from '../../../app/extend-session.js';
import { durationSeconds } from '../../../contract/duration.schema.js';
import { fieldErrors, plainSentence } from '../../../contract/field.errors.js';
import { NewExtension, Revocation } from '../../../contract/session.schema.js';
import { canonicalJson } from '../../../domain/audit/canonical.js';
import type { FieldError, Problem } from '../../../domain/problem.js';
import { problem } from '../../../domain/problem.js';
import { ByPage } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { sessionIdIn } from '../session.id.js';
import { written } from './form.fields.js';
import type { VisitedRequest } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { SessionShower } from './session.shower.js';

const Key = z.object({ key: z.uuid() });

/** What people do with a session besides deciding, from its page: by the same use cases as the API. */
@Controller('sessions/:id')
@ApiExcludeController()
@UseFilters(PageFilter)
export class SessionActsPages {
  constructor(
    private readonly shower: SessionShower,
    private readonly acting: ActOnSession,
    private readonly extending: ExtendSession,
  ) {}

  @Post('start')
  @HttpCode(303)
  @ByPage('session:use')
  async start(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const came = await this.acting.act(caller, sessionIdIn(id), { action: 'start' });
    await this.shower.answer({ caller, id, request, reply }, came, {});
  }

  @Post('end')
  @HttpCode(303)
  @ByPage('session:use')
  async end(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const came = await this.acting.act(caller, sessionIdIn(id), { action: 'end' });
    await this.shower.answer({ caller, id, request, reply }, came, {});
  }

  @Post('revoke')
  @HttpCode(303)
  @ByPage('session:revoke')
  async revoke(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const visit = { caller, id, request, reply };
    const draft = written(body, ['comment']);
    const read = Revocation.safeParse(draft, { error: plainSentence });
    const came = read.success
      ? await this.acting.act(caller, sessionIdIn(id), { action: 'revoke', ...read.data })
      : invalid(fieldErrors(Revocation, read.error.issues));
    await this.shower.answer(visit, came, draft);
  }

  @Post('extend')
  @HttpCode(303)
  @ByPage('session:use')
  async extend(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const draft = written(body, ['duration', 'reason']);
    const key = Key.safeParse(body).data?.key;
    const came = await this.extension({ caller, id, key, draft });
    await this.shower.answer({ caller, id, request, reply }, came, draft);
  }

  private async extension(args: {
    readonly caller: Caller;
    readonly id: string;
    readonly key: string | undefined;
    readonly draft: Partial<Record<'duration' | 'reason', string>>;
  }): Promise<object> {
    const { caller, id, key, draft } = args;
    const { duration = '', reason } = draft;
    const seconds = durationSeconds(duration.toLowerCase());
    if (seconds === undefined) {
      return invalid([{ path: '/duration', message: 'must be a duration such as 30m or 1h30m' }]);
    }
    const read = NewExtension.safeParse(
      { durationSeconds: seconds, ...(reason === undefined ? {} : { reason }) },
      { error: plainSentence },
    );
    if (!read.success) return invalid(fieldErrors(NewExtension, read.error.issues));
    const session = sessionIdIn(id);
    const requestHash = createHash('sha256')
      .update(canonicalJson({ extend: session, ...read.data }))
      .digest('hex');
    const sent = key === undefined ? undefined : { key: `page-${key}`, requestHash };
    return this.extending.extend(caller, session, read.data, sent);
  }
}

function invalid(errors: readonly FieldError[]): Problem {
  return problem('invalid-fields', 'Correct it and send it again.', { errors });
}
