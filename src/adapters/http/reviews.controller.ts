import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { Presence } from '../../app/ports/presence.js';
import { SessionStore } from '../../app/ports/session.store.js';
import { ReadReviews } from '../../app/read-reviews.js';
import { ReviewSession } from '../../app/review-session.js';
import { sessionView } from '../../app/views/session.view.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { NewReview } from '../../contract/review.schema.js';
import { ReviewPage, ReviewQuery } from '../../contract/reviews.schema.js';
import { SessionDetails } from '../../contract/session.schema.js';
import type { SessionId } from '../../domain/session/session.js';
import { SESSION_ID } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionAnswer } from './session.answer.js';
import { sessionIdIn } from './session.id.js';

const SESSION_IDS = z.string().regex(SESSION_ID);

/** The reviews that break-glass sessions owe. */
@Controller('v1')
export class ReviewsController {
  constructor(
    private readonly reviewing: ReviewSession,
    private readonly reading: ReadReviews,
    private readonly store: SessionStore,
    private readonly presence: Presence,
  ) {}

  @Get('reviews')
  @Allow('review:read')
  @Operation({
    id: 'listReviews',
    tag: 'reviews',
    summary: 'List the reviews that are owed, or done',
    description:
      'Those that the caller owes and those that policy names the caller as a reviewer of; all for auditors and admins.',
    status: 200,
    answers: ReviewPage,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: ReviewQuery }) query: z.infer<typeof ReviewQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReviewPage> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, state = 'open' } = query;
    const cursors = new ListCursor('reviews', { state }, SESSION_IDS);
    const after = cursor === undefined ? undefined : cursors.parse(cursor);
    const { items, more } = await this.reading.page(caller, {
      state,
      limit,
      ...(after ? { after: { dueAt: after.at, id: after.id as SessionId } } : {}),
    });
    const last = items.at(-1);
    const nextCursor =
      more && last ? cursors.after({ at: new Date(last.review.dueAt), id: last.session.id }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return {
      // Where the glass was broken nobody was asked to consent.
      items: items.map(({ session, review }) => ({
        session: sessionView(caller, session, []),
        review,
      })),
      nextCursor,
    };
  }

  @Post('sessions/:id/review')
  @HttpCode(200)
  @Allow('session:review')
  @Operation({
    id: 'reviewSession',
    tag: 'reviews',
    summary: 'Review a break-glass session',
    description:
      'Once it has ended, and once only; by somebody whom policy names, or an auditor, and never by who broke the glass.',
    status: 200,
    answers: SessionDetails,
    gives: [{ name: 'ETag', description: 'The version of the session, which stays as it was.' }],
    problems: [
      'unsupported-media-type',
      'invalid-fields',
      'not-found',
      'illegal-transition',
      'already-reviewed',
    ],
  })
  async review(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Body({ schema: NewReview }) body: z.infer<typeof NewReview>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    const session = orRefuse(await this.reviewing.review(caller, sessionIdIn(id), body));
    return sessionAnswer(
      { store: this.store, reviews: this.reading, presence: this.presence },
      { caller, reply },
      session,
    );
  }
}
