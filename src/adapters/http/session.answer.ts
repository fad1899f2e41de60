import type { FastifyReply } from 'fastify';
import type { Caller } from '../../app/caller.js';
import { Presence } from '../../app/ports/presence.js';
import { SessionStore } from '../../app/ports/session.store.js';
import { ReadReviews } from '../../app/read-reviews.js';
import type { Said } from '../../app/read-session.js';
import { saidOn } from '../../app/read-session.js';
import { sessionDetails } from '../../app/views/session.view.js';
import { isShown } from '../../app/watchers.js';
import type { SessionDetails } from '../../contract/session.schema.js';
import type { Session } from '../../domain/session/session.js';
import { etagOf } from './conditional.headers.js';

/** What is told of a session beside itself. */
export interface AnswerSources {
  readonly store: SessionStore;
  readonly reviews: ReadReviews;
  readonly presence: Presence;
}

/** What an act on a session answers: the session as it is now, with its version as ETag. */
export async function sessionAnswer(
  from: AnswerSources,
  to: { readonly caller: Caller; readonly reply: FastifyReply },
  session: Session,
): Promise<SessionDetails> {
  void to.reply.header('etag', etagOf(session.version));
  return sessionAnswerOf(from, to.caller, session);
}

/** A session with what was said about it, its review and who watches. `said`: where it was read already. */
export async function sessionAnswerOf(
  { store, reviews, presence }: AnswerSources,
  caller: Caller,
  session: Session,
  said?: Said,
): Promise<SessionDetails> {
  const [words, review, watching] = await Promise.all([
    said ?? saidOn(store, session),
    reviews.of(caller, session),
    isShown(session) ? presence.watching(session.id) : [],
  ]);
  return sessionDetails(caller, session, { ...words, review, watching });
}
