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
import type { Caller } from '../../app/caller.js';
import { Presence } from '../../app/ports/presence.js';
import { SessionStore } from '../../app/ports/session.store.js';
import type { SessionFilter } from '../../app/ports/session.store.js';
import { ReadReviews } from '../../app/read-reviews.js';
import type { Said } from '../../app/read-session.js';
import { ReadSession, saidOn } from '../../app/read-session.js';
import type { Ask } from '../../app/request-session.js';
import { RequestSession } from '../../app/request-session.js';
import { rateLimitHeaders } from './rate-limit.headers.js';
import { sessionPath, sessionView } from '../../app/views/session.view.js';
import { isShown } from '../../app/watchers.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import {
  NewSession,
  SessionDetails,
  SessionPage,
  SessionQuery,
} from '../../contract/session.schema.js';
import { canonicalJson } from '../../domain/audit/canonical.js';
import type { Session, SessionId, Target } from '../../domain/session/session.js';
import { SESSION_ID } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { etagOf, idempotencyKey, isKnown } from './conditional.headers.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { Operation } from './operation.decorator.js';
import { orRefuse } from './refused.error.js';
import { sessionAnswerOf } from './session.answer.js';
import { sessionIdIn } from './session.id.js';
import { wordsOn } from './session.words.js';

const SESSION_IDS = z.string().regex(SESSION_ID);

const ETAG = { name: 'ETag', description: 'The version of the session: send it as If-Match.' };

/** Asking for sessions, and reading them. */
@Controller('v1/sessions')
export class SessionsController {
  constructor(
    private readonly asking: RequestSession,
    private readonly reading: ReadSession,
    private readonly reviews: ReadReviews,
    private readonly store: SessionStore,
    private readonly presence: Presence,
  ) {}

  @Post()
  @HttpCode(201)
  @Allow('session:request')
  @Operation({
    id: 'requestSession',
    tag: 'sessions',
    summary: 'Ask for a debug session',
    description:
      'Policy decides at once: the answer is `approved`, `pending` (others must consent) or `denied`, and says why. ' +
      'A session that policy denies is an answer too, not an error. That a target is not there is told only where some ' +
      'rule might let the caller into its namespace, and why it can take no container where policy would let them in.\n\n' +
      'Requests that are alike are one: while a session of the caller is open on the same target, with the same ' +
      'container and profile (break-glass or not), asking again gives that one, with 200, whatever else is asked for. ' +
      'An `Idempotency-Key` then stands for nothing: it may be used again.',
    status: 201,
    answers: SessionDetails,
    also: { 200: 'An open session of the caller that is like the one asked for.' },
    takes: [
      {
        name: 'Idempotency-Key',
        description:
          'Makes sending the same again safe: the session of the first time is given back.',
        example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
      },
    ],
    gives: [
      { name: 'Location', description: 'Where the session is read.' },
      ETAG,
      {
        name: 'Idempotency-Replayed',
        description: '`true` where the session was made by an earlier request with the same key.',
      },
      {
        name: 'Hallpass-Existing',
        description: '`alike` where the session was there: with status 200.',
      },
    ],
    problems: [
      'invalid-idempotency-key',
      'unsupported-media-type',
      'invalid-fields',
      'idempotency-mismatch',
      'write-conflict',
      'target-not-found',
      'target-not-debuggable',
      'container-not-found',
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
  async request(
    @CurrentCaller() caller: Caller,
    @Body({ schema: NewSession }) body: NewSession,
    @Headers('idempotency-key') keyHeader: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails> {
    void reply.headers(rateLimitHeaders(this.asking.standings(caller)));
    const key = idempotencyKey(keyHeader);
    const { session, already } = orRefuse(
      await this.asking.ask(
        caller,
        askOf(body),
        key === undefined ? undefined : { key, requestHash: hashOf(body) },
      ),
    );
    void reply.headers({ location: sessionPath(session.id), etag: etagOf(session.version) });
    if (already === 'same-key') void reply.header('idempotency-replayed', 'true');
    if (already === 'alike') void reply.status(200).header('hallpass-existing', 'alike');
    return this.details(caller, session, await saidOn(this.store, session));
  }

  @Get()
  @Allow('session:read')
  @Operation({
    id: 'listSessions',
    tag: 'sessions',
    summary: 'List sessions, newest first',
    description:
      'Those of the caller and those that the caller may decide about; all for auditors and admins.',
    status: 200,
    answers: SessionPage,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor'],
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Query({ schema: SessionQuery }) query: z.infer<typeof SessionQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof SessionPage>> {
    const { limit = PAGE_LIMIT_DEFAULT, cursor, mine, ...rest } = query;
    const cursors = new ListCursor('sessions', { ...rest, mine }, SESSION_IDS);
    const after = cursor === undefined ? undefined : cursors.parse(cursor);
    const { sessions, more } = await this.reading.page(caller, {
      filter: filterOf(rest),
      mine: mine === 'true',
      limit,
      ...(after ? { after: { createdAt: after.at, id: after.id as SessionId } } : {}),
    });
    const words = await wordsOn(this.store, sessions);
    const last = sessions.at(-1);
    const nextCursor = more && last ? cursors.after({ at: last.createdAt, id: last.id }) : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    const view = (session: (typeof sessions)[number]) =>
      sessionView(caller, session, words.get(session.id) ?? []);
    return { items: sessions.map(view), nextCursor };
  }

  @Get(':id')
  @Allow('session:read')
  @Operation({
    id: 'readSession',
    tag: 'sessions',
    summary: 'Read a session',
    status: 200,
    answers: SessionDetails,
    takes: [
      { name: 'If-None-Match', description: 'The ETag that the caller has.', example: '"3"' },
    ],
    gives: [ETAG],
    empty: { 304: 'The session is still as the caller has it.' },
    problems: ['not-found'],
  })
  async read(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionDetails | undefined> {
    const found = orRefuse(await this.reading.one(caller, sessionIdIn(id)));
    void reply.header('etag', etagOf(found.session.version));
    // A review changes no version, and how it stands changes by the time alone; nor do those who come and go to watch.
    const isAsKnown = found.session.grant?.breakGlass !== true && !isShown(found.session);
    if (isKnown(known, found.session.version) && isAsKnown) {
      void reply.status(304);
      return undefined;
    }
    return this.details(caller, found.session, found);
  }

  private async details(caller: Caller, session: Session, said: Said): Promise<SessionDetails> {
    const { store, reviews, presence } = this;
    return sessionAnswerOf({ store, reviews, presence }, caller, session, said);
  }
}

/** What the use case takes. */
function askOf({ target, ...rest }: NewSession): Ask {
  return { ...rest, target: targetOf(target) };
}

function targetOf(target: NewSession['target']): Target {
  if ('pod' in target) return { kind: 'pod', name: target.pod };
  const { kind, name, pick = 'unhealthy-first' } = target.workload;
  return { kind: 'workload', workload: kind, name, pick };
}

function hashOf(body: NewSession): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}

function filterOf(
  query: Pick<z.infer<typeof SessionQuery>, 'state' | 'cluster' | 'namespace' | 'breakGlass'>,
): SessionFilter {
  return {
    ...(query.state === undefined ? {} : { states: query.state }),
    ...(query.cluster === undefined ? {} : { cluster: query.cluster }),
    ...(query.namespace === undefined ? {} : { namespace: query.namespace }),
    ...(query.breakGlass === undefined ? {} : { breakGlass: query.breakGlass === 'true' }),
  };
}
