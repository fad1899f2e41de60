import { randomUUID } from 'node:crypto';
import type { Weighed } from '../domain/approval/weighing.js';
import { notAsked, weigh, yours } from '../domain/approval/weighing.js';
import { displayName, newest } from '../domain/person.js';
import { countsInSlack } from '../domain/policy/policy.js';
import { signInLacks } from '../domain/policy/sign-in.rule.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { Consent, Session, SessionId } from '../domain/session/session.js';
import { actionsIn } from '../domain/session/session.machine.js';
import type { Bounds } from '../domain/session/session.plan.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee, personOf } from './caller.js';
import { requesterFacts } from './gather-facts.js';
import { NotePerson } from './note-person.js';
import { Clock } from './ports/clock.js';
import { People } from './ports/people.js';
import type { DecisionRecord } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';
import type { Changes } from './session-step.js';
import { stepOf } from './session-step.js';

export interface Word {
  readonly verdict: 'approve' | 'deny' | 'retract';
  readonly comment?: string;
  /** The version that the approver saw: their word is on that, and on nothing else. */
  readonly seenVersion: number;
}

/** An approver's consent, their taking it back, or their refusal. */
export class DecideSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly people: People;
      readonly note: NotePerson;
      readonly clock: Clock;
      readonly bounds: Pick<Bounds, 'pendingLapseSeconds' | 'approvedLapseSeconds'>;
    },
  ) {}

  /**
   * Authority is checked before version and state, so that a stranger learns nothing of either. Consents count by the
   * groups that their people have now, as far as their newest tokens tell.
   *
   * @returns the session; `not-found` for strangers, `forbidden` for its requester and for others who may only see it,
   * `changed-since-seen`, `illegal-transition` where it is decided already, `already-decided` for a consent that adds
   * nothing, `invalid-fields` for one that does not say why where it must, `sign-in-required` for one of
   * somebody who signed in more weakly than the terms want, as all do in Slack: to refuse is possible everywhere.
   */
  async decide(caller: Caller, id: SessionId, word: Word): Promise<Session | Problem> {
    const { store, people, note, clock } = this.deps;
    const session = await store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    const refusal = this.refusal(caller, session, word);
    if (refusal) return refusal;

    // Kept before it is counted: so every replica counts this person by this token or by a newer one.
    await note.note(caller);
    const [words, known] = await Promise.all([
      store.consents(id),
      people.latest([personOf(caller), session.requester]),
    ]);
    const person = newest(personOf(caller), known);
    const requester = newest(session.requester, known);
    const weighed = weigh(word, { session, person, requester, words });
    if (isProblem(weighed)) {
      // The words may be newer than the session: then this is about something that they did not see.
      const now = await store.find(id);
      return now?.version === session.version ? weighed : changed(id);
    }

    const at = clock.now();
    const { event, missing } = weighed;
    const consent: Consent = {
      person: personOf(caller),
      verdict: word.verdict,
      at,
      ...(word.comment === undefined ? {} : { comment: word.comment }),
    };
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
        changes: this.changes(event, session, consent),
      }),
    );
    return isProblem(written) && written.problem === 'write-conflict' ? changed(id) : written;
  }

  private refusal(caller: Caller, session: Session, { verdict, seenVersion }: Word) {
    const { id, state } = session;
    const capacities = callerCapacities(caller, session);
    if (capacities.includes('requester')) return yours();
    if (!capacities.includes('approver')) return notAsked(session);
    if (session.version !== seenVersion) return changed(id);
    if (!actionsIn(state, ['approver']).includes(verdict)) {
      return problem('illegal-transition', tooLate(session, verdict));
    }
    if (isLapsed(session, this.deps.clock.now())) return lapsed(id);
    const { grant } = session;
    if (verdict !== 'approve' || grant === null) return undefined;
    if (caller.actor.channel === 'slack' && !countsInSlack(grant)) return signedIn(id);
    const lacks = consentLacks(caller, session, this.deps.clock.now());
    return lacks === undefined ? undefined : problem('sign-in-required', `${lacks}.`);
  }

  private changes(event: Weighed['event'], session: Session, consent: Consent): Changes {
    const { pendingLapseSeconds, approvedLapseSeconds } = this.deps.bounds;
    const inSeconds = (seconds: number) => new Date(consent.at.getTime() + seconds * 1000);
    switch (event) {
      case 'approve':
        return { lapsesAt: inSeconds(approvedLapseSeconds) };
      case 'deny':
        return { lapsesAt: null, endDetail: denial(consent) };
      case 'retract':
        // Those who are asked again have the time that they had at first.
        return session.state === 'approved' ? { lapsesAt: inSeconds(pendingLapseSeconds) } : {};
      case 'consent':
        return {};
    }
  }
}

/**
 * What the sign-in of somebody lacks for their consent to count by the terms of the session, as a sentence without its
 * stop; undefined: nothing.
 */
export function consentLacks(
  caller: Caller,
  { grant }: Pick<Session, 'grant'>,
  now: Date,
): string | undefined {
  const rule = grant?.terms.approvals.signIn;
  const lacks = rule && signInLacks(rule, requesterFacts(caller, now));
  return lacks === undefined ? undefined : `Consenting ${lacks}`;
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

/** The refusal of a consent that was given where nobody signs in. */
function signedIn(id: SessionId): Problem {
  return problem(
    'sign-in-required',
    `The terms of the session ${id} want a consent of somebody who is signed in: open the session, sign in and consent there.`,
  );
}

/** The refusal of a word on a version that is not the newest. */
export function changed(id: SessionId): Problem {
  return problem(
    'changed-since-seen',
    `The session ${id} has changed since you read it. Read it again, then decide.`,
  );
}

function tooLate({ id, state }: Session, verdict: Word['verdict']): string {
  const isOver = state === 'denied' || state === 'ended' || state === 'ending';
  if (verdict === 'retract' && !isOver) {
    return `The session ${id} is ${state}: a consent is not taken back any more. Revoke the session instead.`;
  }
  return `The session ${id} is ${state}: there is nothing to decide any more.`;
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
