import { randomUUID } from 'node:crypto';
import { quorum } from '../domain/approval/quorum.js';
import { displayName, samePerson } from '../domain/person.js';
import { peopleText } from '../domain/policy/words.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import { askedOf, concernedPeople, standing } from '../domain/session/session.js';
import type { Consent, Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee, personOf } from './caller.js';
import { Clock } from './ports/clock.js';
import type { DecisionRecord } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';
import { stepOf } from './session-step.js';

export interface Word {
  readonly verdict: 'approve' | 'deny';
  readonly comment?: string;
  /** The version that the approver saw: their word is on that, and on nothing else. */
  readonly seenVersion: number;
}

/** An approver's consent or refusal. */
export class DecideSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clock: Clock;
      readonly approvedLapseSeconds: number;
    },
  ) {}

  /**
   * Authority is checked before version and state, so that a stranger learns nothing of either.
   *
   * @returns the session; `not-found` for strangers, `forbidden` for its requester and for others who may only see it,
   * `changed-since-seen`, `illegal-transition` where it is decided already, `already-decided` for a second consent.
   */
  async decide(caller: Caller, id: SessionId, word: Word): Promise<Session | Problem> {
    const { store, clock } = this.deps;
    const session = await store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    const refusal = this.refusal(caller, session, word);
    if (refusal) return refusal;

    const consents = await store.consents(id);
    const mine = standing(consents).find((consent) => samePerson(consent.person, personOf(caller)));
    if (mine && word.verdict === 'approve') {
      return problem(
        'already-decided',
        `You consented to the session ${id} at ${mine.at.toISOString()}.`,
      );
    }

    const at = clock.now();
    const person = personOf(caller);
    const consent: Consent = {
      person,
      verdict: word.verdict,
      at,
      ...(word.comment === undefined ? {} : { comment: word.comment }),
    };
    const { missing } = quorum(askedOf(session), session.requester, [
      ...standing(consents),
      consent,
    ]);
    const event =
      word.verdict === 'deny'
        ? 'deny'
        : missing === 0
          ? ('approve' as const)
          : ('consent' as const);
    const written = await store.write(
      stepOf({
        session,
        event,
        capacities: callerCapacities(caller, session),
        actor: caller.actor,
        at,
        outcome: event === 'deny' ? 'denied' : 'success',
        decision: record(consent, session),
        data: { comment: word.comment, missing },
        changes: {
          ...(event === 'approve'
            ? { lapsesAt: new Date(at.getTime() + this.deps.approvedLapseSeconds * 1000) }
            : {}),
          ...(event === 'deny' ? { lapsesAt: null, endDetail: denial(consent) } : {}),
        },
      }),
    );
    return isProblem(written) && written.problem === 'write-conflict' ? changed(id) : written;
  }

  private refusal(caller: Caller, session: Session, word: Word): Problem | undefined {
    const { id } = session;
    const capacities = callerCapacities(caller, session);
    if (capacities.includes('requester')) {
      return problem(
        'forbidden',
        'You asked for this session yourself: somebody else must decide about it.',
      );
    }
    if (!capacities.includes('approver')) {
      const groups = peopleText(concernedPeople(session));
      return problem(
        'forbidden',
        groups === ''
          ? `The session ${id} needs nobody's consent.`
          : `Only ${groups} decide about the session ${id}.`,
      );
    }
    if (session.version !== word.seenVersion) return changed(id);
    if (session.state !== 'pending') {
      return problem(
        'illegal-transition',
        `The session ${id} is ${session.state}: there is nothing to decide any more.`,
      );
    }
    if (isLapsed(session, this.deps.clock.now())) return lapsed(id);
    return undefined;
  }
}

/** Whether its time to be decided or started is over, though nobody has written that yet. */
export function isLapsed(session: Session, now: Date): boolean {
  return session.lapsesAt !== null && session.lapsesAt <= now;
}

export function lapsed(id: SessionId): Problem {
  return problem(
    'illegal-transition',
    `The session ${id} has lapsed: it has to be asked for again.`,
  );
}

/** The refusal of a word on a version that is not the newest. */
export function changed(id: SessionId): Problem {
  return problem(
    'changed-since-seen',
    `The session ${id} has changed since you read it. Read it again, then decide.`,
  );
}

function denial(consent: Consent): string {
  const comment = consent.comment === undefined ? '' : `: ${consent.comment}`;
  return `Denied by ${displayName(consent.person)}${comment}`;
}

function record(consent: Consent, session: Session): DecisionRecord {
  return {
    id: randomUUID(),
    by: 'person',
    verdict: consent.verdict,
    person: consent.person,
    comment: consent.comment ?? null,
    rule: session.grant?.rule ?? null,
    policyHash: session.grant?.policyHash ?? null,
    explanation: [],
    seenVersion: session.version,
    facts: null,
    at: consent.at,
  };
}
