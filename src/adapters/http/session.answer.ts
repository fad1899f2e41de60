import type { FastifyReply } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { SessionStore } from '../../app/ports/session.store.js';
import { ReadReviews } from '../../app/read-reviews.js';
import { saidOn } from '../../app/read-session.js';
import { sessionDetails } from '../../app/views/session.view.js';
import type { SessionDetails } from '../../contract/session.schema.js';
import type { Session } from '../../domain/session/session.js';
import { etagOf } from './conditional.headers.js';

/** What an act on a session answers: the session as it is now, with its version as ETag. */
export async function sessionAnswer(
  from: { readonly store: SessionStore; readonly reviews: ReadReviews },
  to: { readonly caller: Caller; readonly reply: FastifyReply },
  session: Session,
): Promise<SessionDetails> {
  void to.reply.header('etag', etagOf(session.version));
  const [said, review] = await Promise.all([
    saidOn(from.store, session),
    from.reviews.of(to.caller, session),
  ]);
  return sessionDetails(to.caller, session, { ...said, review });
}
