import type { FastifyReply } from 'fastify';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../../../app/caller.js';
import { consentLacks } from '../../../app/decide-session.js';
import { Clock } from '../../../app/ports/clock.js';
import { Presence } from '../../../app/ports/presence.js';
import { SessionStore } from '../../../app/ports/session.store.js';
import { ReadReviews } from '../../../app/read-reviews.js';
import { ReadSession } from '../../../app/read-session.js';
import type { Problem } from '../../../domain/problem.js';
import { PROBLEMS, isProblem } from '../../../domain/problem.js';
import type { Session } from '../../../domain/session/session.js';
import { placeOf } from '../../../domain/traceparent.js';
import { HttpSettings } from '../http.settings.js';
import { orRefuse } from '../refused.error.js';
import { sessionAnswerOf } from '../session.answer.js';
import { sessionIdIn } from '../session.id.js';
import type { VisitedRequest } from './page.door.js';
import { showPage } from './page.js';
import { sessionBody } from './session.page.js';
import type { Draft, SessionShown } from './session.shown.js';
import { visitorOf } from './visitor.js';

/** Who asked for a page on which session, and where it goes. */
export interface SessionVisit {
  readonly caller: Caller;
  readonly id: string;
  readonly request: VisitedRequest;
  readonly reply: FastifyReply;
}

/** Shows the page of a session as it is now. */
@Injectable()
export class SessionShower {
  constructor(
    private readonly reading: ReadSession,
    readonly store: SessionStore,
    readonly reviews: ReadReviews,
    readonly presence: Presence,
    private readonly clock: Clock,
    private readonly settings: HttpSettings,
  ) {}

  /**
   * @param refused why what was sent was refused, and what was written: both are on the page.
   * @throws Refused for whom there is no such session.
   */
  async show(
    { caller, id, request, reply }: SessionVisit,
    refused?: { readonly refusal: Problem; readonly draft: Draft },
  ): Promise<void> {
    const { session, ...said } = orRefuse(await this.reading.one(caller, sessionIdIn(id)));
    const visitor = visitorOf(request);
    showPage(reply, {
      title: `Session ${session.id}`,
      visitor,
      ...(refused ? { status: PROBLEMS[refused.refusal.problem].status } : {}),
      body: sessionBody({
        session: await sessionAnswerOf(this, caller, session, said),
        profile: session.grant?.profile ?? null,
        trace: this.traceOf(session),
        token: visitor.formToken,
        signInLacks: consentLacks(caller, session, this.clock.now()) ?? null,
        draft: {},
        ...refused,
      }),
    });
  }

  private traceOf({ traceparent }: Session): SessionShown['trace'] {
    if (traceparent === null) return null;
    const { traceId } = placeOf(traceparent);
    const { traceLink } = this.settings;
    return { id: traceId, ...(traceLink ? { href: traceLink(traceId) } : {}) };
  }

  /** After a form: the page anew where it was done, otherwise why not, with what was written. */
  async answer(visit: SessionVisit, outcome: object, draft: Draft): Promise<void> {
    if (isProblem(outcome)) return this.show(visit, { refusal: outcome, draft });
    void visit.reply
      .status(303)
      .header('location', `/sessions/${sessionIdIn(visit.id)}`)
      .send();
  }
}
