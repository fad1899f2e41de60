import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { createHash } from 'node:crypto';
import { ActOnSession } from '../../app/act-on-session.js';
import type { Caller } from '../../app/caller.js';
import { DecideSession } from '../../app/decide-session.js';
import { ExtendSession } from '../../app/extend-session.js';
import { Presence } from '../../app/ports/presence.js';
import { SessionStore } from '../../app/ports/session.store.js';
import { ReadReviews } from '../../app/read-reviews.js';
import {
  NewDecision,
  NewExtension,
  Nothing,
  Revocation,
  SessionDetails,
} from '../../contract/session.schema.js';
import { canonicalJson } from '../../domain/audit/canonical.js';
import type { ProblemCode } from '../../domain/problem.js';
import type { Session } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { idempotencyKey, requiredVersion, seenVersion } from './conditional.headers.js';
import type { HeaderNote } from './operation.decorator.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionAnswer } from './session.answer.js';
import { sessionIdIn } from './session.id.js';

const ETAG: HeaderNote = { name: 'ETag', description: 'The new version of the session.' };
const IF_MATCH: HeaderNote = {
  name: 'If-Match',
  description: 'The ETag of the session as the caller saw it. Left out: whatever it has become.',
  example: '"3"',
};

const REFUSALS: readonly ProblemCode[] = [
  'unsupported-media-type',
  'invalid-fields',
  'not-found',
  'illegal-transition',
  'changed-since-seen',
  'if-match-required',
];

/** The acts of people on one session. */
@Controller('v1/sessions/:id')
export class SessionActsController {
  constructor(
    private readonly deciding: DecideSession,
    private readonly acting: ActOnSession,
    private readonly extending: ExtendSession,
    private readonly reviews: ReadReviews,
    private readonly store: SessionStore,
    private readonly presence: Presence,
  ) {}

  @Post('decisions')
  @HttpCode(200)
  @Allow('session:decide')
  @Operation({
    id: 'decideSession',
    tag: 'sessions',
    summary: 'Consent to a session, take a consent back, or deny it',
    description:
      'Only by the people whom policy names, and never by the requester. One denial ends it. A consent counts while its ' +
      'person is in the groups that made it count, and can be taken back until the session starts.',
    status: 200,
    answers: SessionDetails,
    takes: [
      {
        ...IF_MATCH,
        required: true,
        description: 'The ETag of the session as the approver saw it.',
      },
    ],
    gives: [ETAG],
    problems: [...REFUSALS, 'already-decided', 'sign-in-required'],
  })
  async decide(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: NewDecision }) body: z.infer<typeof NewDecision>,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    const word = { ...body, seenVersion: requiredVersion(ifMatch) };
    return this.answer(
      caller,
      reply,
      orRefuse(await this.deciding.decide(caller, sessionIdIn(id), word)),
    );
  }

  @Post('start')
  @HttpCode(200)
  @Allow('session:use')
  @Operation({
    id: 'startSession',
    tag: 'sessions',
    summary: 'Start an approved session',
    description: 'Needed only where it was asked for with `start: manual`. By its requester.',
    status: 200,
    answers: SessionDetails,
    takes: [IF_MATCH],
    gives: [ETAG],
    bodyOptional: true,
    problems: REFUSALS,
  })
  async start(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: Nothing.optional() }) _body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    return this.act({ action: 'start', caller, id, ifMatch, reply });
  }

  @Post('end')
  @HttpCode(200)
  @Allow('session:use')
  @Operation({
    id: 'endSession',
    tag: 'sessions',
    summary: 'End a session of one’s own, or withdraw it',
    status: 200,
    answers: SessionDetails,
    takes: [IF_MATCH],
    gives: [ETAG],
    bodyOptional: true,
    problems: REFUSALS,
  })
  async end(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: Nothing.optional() }) _body: unknown,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    return this.act({ action: 'end', caller, id, ifMatch, reply });
  }

  @Post('revoke')
  @HttpCode(200)
  @Allow('session:revoke')
  @Operation({
    id: 'revokeSession',
    tag: 'sessions',
    summary: 'End somebody else’s session',
    description: 'By an approver of the session or an admin.',
    status: 200,
    answers: SessionDetails,
    takes: [IF_MATCH],
    gives: [ETAG],
    bodyOptional: true,
    problems: REFUSALS,
  })
  async revoke(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: Revocation.optional() }) body: z.infer<typeof Revocation> | undefined,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    return this.act({ action: 'revoke', caller, id, ifMatch, reply, ...body });
  }

  @Post('extend')
  @HttpCode(200)
  @Allow('session:use')
  @Operation({
    id: 'extendSession',
    tag: 'sessions',
    summary: 'Extend a session of one’s own',
    description:
      'How often and for how long is in its terms. Policy is asked anew, as if the session were asked for now for so long ' +
      'on the same Pod; where that needs consents, those that were given must still meet it. The deadline of a container ' +
      'cannot be moved: another one is started, and the session moves there when it runs (`move` among its events), or ' +
      'goes on to the deadline that it had (`unextend`, which says why).',
    status: 200,
    answers: SessionDetails,
    takes: [
      IF_MATCH,
      {
        name: 'Idempotency-Key',
        description: 'Makes sending the same again safe: it is the same extension.',
        example: '"9b1c47a6-6f0e-4b1b-8a0e-6d4f6a0c8f12"',
      },
    ],
    gives: [
      ETAG,
      {
        name: 'Idempotency-Replayed',
        description: '`true` where an earlier request with the same key extended it.',
      },
    ],
    problems: [
      ...REFUSALS,
      'extension-refused',
      'invalid-idempotency-key',
      'idempotency-mismatch',
      'write-conflict',
      'target-not-found',
      'target-not-debuggable',
      'container-not-found',
      'target-changed',
      'cluster-unauthorized',
      'cluster-refused',
      'cluster-unavailable',
      'cluster-unreachable',
      'cluster-unsupported',
      'policy-unavailable',
      'too-many-requests',
      'too-busy',
    ],
  })
  async extend(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: NewExtension }) body: z.infer<typeof NewExtension>,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('idempotency-key') keyHeader: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    const session = sessionIdIn(id);
    const seen = seenVersion(ifMatch);
    const key = idempotencyKey(keyHeader);
    const requestHash = (): string =>
      createHash('sha256')
        .update(canonicalJson({ extend: session, ...body }))
        .digest('hex');
    const extended = orRefuse(
      await this.extending.extend(
        caller,
        session,
        { ...body, ...(seen === undefined ? {} : { seenVersion: seen }) },
        key === undefined ? undefined : { key, requestHash: requestHash() },
      ),
    );
    if (extended.already) void reply.header('idempotency-replayed', 'true');
    return this.answer(caller, reply, extended.session);
  }

  private async act(wish: {
    action: 'start' | 'end' | 'revoke';
    caller: Caller;
    id: string;
    ifMatch: string | undefined;
    reply: FastifyReply;
    comment?: string;
  }): Promise<SessionDetails> {
    const { action, caller, reply, comment } = wish;
    const seen = seenVersion(wish.ifMatch);
    const session = orRefuse(
      await this.acting.act(caller, sessionIdIn(wish.id), {
        action,
        ...(comment === undefined ? {} : { comment }),
        ...(seen === undefined ? {} : { seenVersion: seen }),
      }),
    );
    return this.answer(caller, reply, session);
  }

  private answer(caller: Caller, reply: FastifyReply, session: Session): Promise<SessionDetails> {
    return sessionAnswer(
      { store: this.store, reviews: this.reviews, presence: this.presence },
      { caller, reply },
      session,
    );
  }
}
