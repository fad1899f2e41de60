import { createHash } from 'node:crypto';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CloseAuditReview } from '../../app/close-audit-review.js';
import type { Caller } from '../../app/caller.js';
import type { ReviewOf } from '../../app/open-audit-review.js';
import { OpenAuditReview } from '../../app/open-audit-review.js';
import type { RequestKey } from '../../app/ports/audit-review.store.js';
import { SessionStore } from '../../app/ports/session.store.js';
import { ReadAuditReviews } from '../../app/read-audit-reviews.js';
import { noReview, SignOffSession } from '../../app/sign-off-session.js';
import { auditReviewItem, auditReviewView } from '../../app/views/audit-review.view.js';
import {
  AuditReviewClosing,
  AuditReviewDetails,
  AuditReviewPage,
  AuditReviewQuery,
  AuditReviewSessionsQuery,
  AuditReviewView,
  NewAuditReview,
  NewSignOff,
} from '../../contract/audit-review.schema.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import { canonicalJson } from '../../domain/audit/canonical.js';
import type { SessionId } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { filterOf } from './audit.filter.js';
import { CurrentCaller } from './caller.decorator.js';
import { idempotencyKey } from './conditional.headers.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { orRefuse, Refused } from './refused.error.js';
import { sessionIdIn } from './session.id.js';
import { wordsOn } from './session.words.js';

const PLACE = z.string().regex(/^\d{1,4}$/);
const NEXT = { name: 'Link', description: 'The next page (`rel="next"`), where there is one.' };
const KEY = {
  name: 'Idempotency-Key',
  description: 'Makes sending the same again safe: it is done once.',
  example: '"5b0f7f9c-9a45-4a0c-8c8e-0a4d9b1f3f6e"',
};
const REPLAYED = {
  name: 'Idempotency-Replayed',
  description: '`true` where an earlier request with the same key did it.',
};

/** Saved reviews: lists of sessions that auditors sign off. */
@Controller('v1/audit/reviews')
export class AuditReviewsController {
  constructor(
    private readonly opening: OpenAuditReview,
    private readonly signing: SignOffSession,
    private readonly closing: CloseAuditReview,
    private readonly reading: ReadAuditReviews,
    private readonly store: SessionStore,
  ) {}

  @Post()
  @HttpCode(201)
  @Allow('audit:review')
  @Operation({
    id: 'openAuditReview',
    tag: 'audit',
    summary: 'Save a list of sessions that auditors are to sign off',
    description:
      'Its sessions are those that are found, or named, now: an event of the audit log names each. Not to be confused with ' +
      'the one review that a break-glass session owes (`/v1/reviews`).',
    status: 201,
    answers: AuditReviewView,
    takes: [KEY],
    gives: [{ name: 'Location', description: 'Where the review is read.' }, REPLAYED],
    problems: [
      'invalid-idempotency-key',
      'unsupported-media-type',
      'invalid-fields',
      'idempotency-mismatch',
      'write-conflict',
    ],
  })
  async open(
    @CurrentCaller() caller: Caller,
    @Body({ schema: NewAuditReview }) body: z.infer<typeof NewAuditReview>,
    @Headers('idempotency-key') keyHeader: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuditReviewView> {
    const { title, dueAt } = body;
    const { review, already } = orRefuse(
      await this.opening.open(
        caller,
        { title, dueAt: new Date(dueAt), of: reviewOf(body) },
        keyOf(keyHeader, body),
      ),
    );
    void reply.header('location', `/v1/audit/reviews/${review.id}`);
    return this.shown(reply, { review, already });
  }

  @Get()
  @Allow('audit:review')
  @Operation({
    id: 'listAuditReviews',
    tag: 'audit',
    summary: 'List the saved reviews',
    status: 200,
    answers: AuditReviewPage,
    gives: [NEXT],
    problems: ['invalid-cursor'],
  })
  async list(
    @CurrentCaller() _caller: Caller,
    @Query({ schema: AuditReviewQuery }) query: z.infer<typeof AuditReviewQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof AuditReviewPage>> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, state = 'open' } = query;
    const cursors = new ListCursor('audit-reviews', { state }, z.uuid());
    const after = cursor === undefined ? undefined : cursors.parse(cursor);
    const { items, more } = await this.reading.page({
      state,
      limit,
      ...(after ? { after: { dueAt: after.at, id: after.id } } : {}),
    });
    const last = items.at(-1);
    const nextCursor = more && last ? cursors.after({ at: last.dueAt, id: last.id }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    const now = this.reading.now();
    return { items: items.map((review) => auditReviewView(review, now)), nextCursor };
  }

  @Get(':id')
  @Allow('audit:review')
  @Operation({
    id: 'readAuditReview',
    tag: 'audit',
    summary: 'Read a saved review and its sessions',
    status: 200,
    answers: AuditReviewDetails,
    gives: [NEXT],
    problems: ['not-found', 'invalid-cursor'],
  })
  async read(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Query({ schema: AuditReviewSessionsQuery }) query: z.infer<typeof AuditReviewSessionsQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuditReviewDetails> {
    const id = reviewIdIn(path);
    const { limit = PAGE_LIMIT_DEFAULT, cursor, only } = query;
    const cursors = new ListCursor('audit-review', { id, only: only ?? null }, PLACE);
    const { review, items, more } = orRefuse(
      await this.reading.one(caller, id, {
        limit,
        ...(only === undefined ? {} : { only }),
        ...(cursor === undefined ? {} : { after: Number(cursors.parse(cursor).id) }),
      }),
    );
    const last = items.at(-1);
    const nextCursor =
      more && last ? cursors.after({ at: review.at, id: String(last.place) }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    const words = await wordsOn(
      this.store,
      items.map(({ session }) => session),
    );
    return {
      review: auditReviewView(review, this.reading.now()),
      items: items.map((item) =>
        auditReviewItem(caller, item, { review, consents: words.get(item.session.id) ?? [] }),
      ),
      nextCursor,
    };
  }

  @Post(':id/sessions/:session')
  @HttpCode(200)
  @Allow('audit:review')
  @Operation({
    id: 'signOffSession',
    tag: 'audit',
    summary: 'Sign a session of a saved review off',
    description:
      'By somebody who neither asked for the session nor had a say in it, by any account of theirs. A later word stands ' +
      'instead of an earlier one, and both stay. The last session that was lacking closes the review.',
    status: 200,
    answers: AuditReviewView,
    takes: [KEY],
    gives: [REPLAYED],
    problems: [
      'invalid-idempotency-key',
      'unsupported-media-type',
      'invalid-fields',
      'not-found',
      'audit-review-closed',
      'idempotency-mismatch',
    ],
  })
  async signOff(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Param('session') session: string,
    @Body({ schema: NewSignOff }) body: z.infer<typeof NewSignOff>,
    @Headers('idempotency-key') keyHeader: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AuditReviewView> {
    const of = { id: reviewIdIn(path), session: sessionIdIn(session) };
    const key = keyOf(keyHeader, { ...of, ...body });
    return this.shown(
      reply,
      orRefuse(await this.signing.signOff(caller, of, { ...body, ...(key ? { key } : {}) })),
    );
  }

  @Post(':id/close')
  @HttpCode(200)
  @Allow('audit:review')
  @Operation({
    id: 'closeAuditReview',
    tag: 'audit',
    summary: 'Close a saved review of which sessions are not signed off',
    status: 200,
    answers: AuditReviewView,
    problems: ['unsupported-media-type', 'invalid-fields', 'not-found', 'audit-review-closed'],
  })
  async close(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Body({ schema: AuditReviewClosing }) { reason }: z.infer<typeof AuditReviewClosing>,
  ): Promise<AuditReviewView> {
    const review = orRefuse(await this.closing.close(caller, reviewIdIn(path), reason));
    return auditReviewView(review, this.reading.now());
  }

  private shown(
    reply: FastifyReply,
    { review, already }: { review: Parameters<typeof auditReviewView>[0]; already: boolean },
  ): AuditReviewView {
    if (already) void reply.header('idempotency-replayed', 'true');
    return auditReviewView(review, this.reading.now());
  }
}

function reviewOf({ filter, sessions = [] }: z.infer<typeof NewAuditReview>): ReviewOf {
  return filter === undefined
    ? { kind: 'named', sessions: sessions as SessionId[] }
    : { kind: 'found', filter: filterOf(filter), asked: filter };
}

function keyOf(header: string | undefined, body: object): RequestKey | undefined {
  const key = idempotencyKey(header);
  if (key === undefined) return undefined;
  return { key, requestHash: createHash('sha256').update(canonicalJson(body)).digest('hex') };
}

/** The review's id in a path. @throws Refused for what cannot be one, as for one that is not there. */
function reviewIdIn(path: string): string {
  const id = z.uuid().safeParse(path);
  if (id.success) return id.data;
  throw new Refused(noReview(path.slice(0, 64).replaceAll(/[^\w.-]/g, '?')));
}
