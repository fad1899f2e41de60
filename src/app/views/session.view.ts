import type { ReviewView } from '../../contract/review.schema.js';
import type {
  SessionDetails,
  SessionStepView,
  SessionView,
} from '../../contract/session.schema.js';
import type { Actor } from '../../domain/person.js';
import { displayName, sameAccount } from '../../domain/person.js';
import { permits } from '../../domain/permission.js';
import { consentsNeeded } from '../../domain/policy/policy.js';
import { askedOf, concernedPeople, standing } from '../../domain/session/session.js';
import { extensionsLeft } from '../../domain/session/extension.js';
import { quorum } from '../../domain/approval/quorum.js';
import type { Consent, Session, Target } from '../../domain/session/session.js';
import { escalationOf } from '../../domain/session/session.plan.js';
import type { Caller } from '../caller.js';
import type { Watching } from '../ports/presence.js';
import type { DecisionRecord, StepRecord } from '../ports/session.store.js';
import type { Said } from '../read-session.js';
import { isEnterable, mayWatch } from '../watchers.js';
import { allowedActions } from './allowed-actions.js';
import { personView } from './person.view.js';
import { sessionTermsView, signInView } from './session-terms.view.js';

type Word = Pick<Consent, 'person' | 'verdict'>;

/** A session with its terms and the decisions about it, as the caller sees it. Nothing of it but what is named here goes out. */
export function sessionDetails(
  caller: Caller,
  session: Session,
  {
    decisions,
    words,
    review,
    watching,
  }: Said & {
    readonly review: ReviewView | null;
    readonly watching: readonly Watching[];
  },
): SessionDetails {
  const { policy, ...rest } = sessionView(caller, session, words);
  const first = decisions.find(({ by }) => by === 'policy');
  return {
    ...rest,
    // A refusal leaves no grant on the session: what policy said is in its decision alone.
    policy: {
      rule: first?.rule ?? policy.rule,
      version: first?.policyHash ?? policy.version,
      explanation: [...(first?.explanation ?? [])],
    },
    terms: session.grant && sessionTermsView(session.grant.terms),
    decisions: decisions.map(decisionView),
    review,
    watching: watching.map(({ person, since }) => ({
      person: personView(person),
      since: since.toISOString(),
    })),
  };
}

/**
 * A session as lists show it.
 *
 * @param words with the people as they are now.
 */
export function sessionView(caller: Caller, session: Session, words: readonly Word[]): SessionView {
  const { request, pin, container, grant } = session;
  return {
    id: session.id,
    version: session.version,
    state: session.state,
    requester: personView(session.requester),
    request: {
      cluster: request.cluster,
      namespace: request.namespace,
      target: targetView(request.target),
      container: request.container ?? null,
      profile: request.profile,
      reason: request.reason,
      ticket: request.ticket ?? null,
      durationSeconds: request.durationSeconds,
      start: request.start,
    },
    pod: pin && { name: pin.podName, uid: pin.podUid, node: pin.nodeName },
    container: container && {
      name: container.name,
      image: container.image,
      imageId: container.imageId ?? null,
      timer: container.timer ?? null,
    },
    extensions: extensionsView(session),
    approvals: approvalsView(session, words),
    breakGlass: request.breakGlass,
    policy: { rule: grant?.rule ?? null, version: grant?.policyHash ?? null, explanation: [] },
    createdAt: session.createdAt.toISOString(),
    updatedAt: session.updatedAt.toISOString(),
    lapsesAt: iso(session.lapsesAt),
    startedAt: iso(session.startedAt),
    deadline: iso(session.deadlineAt),
    endedAt: iso(session.endedAt),
    endReason: session.endReason,
    endDetail: session.endDetail,
    allowedActions: allowedActions(caller, session, words),
    links: linksOf(caller, session),
  };
}

/** Where the caller reads and follows it, and, while it can be entered, where they enter or watch it, if they may. */
function linksOf(caller: Caller, session: Session): SessionView['links'] {
  const { actor, roles } = caller;
  const self = sessionPath(session.id);
  const isOpen = isEnterable(session);
  const enters =
    isOpen && sameAccount(actor.person, session.requester) && permits(roles, 'session:use');
  const watches = isOpen && mayWatch({ person: actor.person, roles }, session);
  return {
    self,
    events: `${self}/events`,
    terminal: enters ? `${self}/terminal` : null,
    watch: watches ? `${self}/watch` : null,
  };
}

function extensionsView(session: Session): SessionView['extensions'] {
  const { extension, extensions, grant } = session;
  const terms = grant?.terms.extension ?? null;
  return (
    terms && {
      done: extensions,
      left: extensionsLeft(session) ?? 0,
      longestSeconds: terms.longestSeconds,
      underWay: extension && {
        container: extension.container.name,
        durationSeconds: extension.container.durationSeconds,
        askedAt: extension.askedAt.toISOString(),
      },
    }
  );
}

/** What is asked of whom, and who has given it. Once it is decided nothing is open, whatever becomes of the people. */
function approvalsView(session: Session, words: readonly Word[]): SessionView['approvals'] {
  const asked = askedOf(session);
  const consents = standing(words);
  const { counted, open } =
    session.state === 'pending'
      ? quorum(asked, session.requester, consents)
      : { counted: consents.map(({ person }) => person), open: [] };
  const people = concernedPeople(session);
  const { commentRequired = false, signIn } = session.grant?.terms.approvals ?? {};
  return {
    needed: consentsNeeded(asked.require),
    given: counted.map(displayName),
    groups: [...people.groups],
    users: [...people.users],
    open: open.map(({ count, groups, users }) => ({
      count,
      groups: [...groups],
      users: [...users],
    })),
    commentRequired,
    ...(signIn === undefined ? {} : { signIn: signInView(signIn) }),
    escalatesAt: iso(escalationOf(session)),
    escalatedAt: iso(session.escalatedAt),
  };
}

/** Where a session is read. */
export function sessionPath(id: string): string {
  return `/v1/sessions/${id}`;
}

/** One step of a session's past, for the stream of its events. */
export function stepView(session: Session, step: StepRecord): SessionStepView {
  return {
    session: session.id,
    seq: step.seq,
    event: step.event,
    from: step.from,
    to: step.to,
    at: step.at.toISOString(),
    breakGlass: session.request.breakGlass,
    by: actorView(step.actor),
    data: { ...step.data },
  };
}

function actorView(actor: Actor): SessionStepView['by'] {
  return actor.kind === 'system'
    ? { kind: 'system' }
    : { kind: 'person', person: personView(actor.person), channel: actor.channel };
}

function targetView(target: Target): SessionView['request']['target'] {
  return target.kind === 'pod'
    ? { pod: target.name }
    : { workload: { kind: target.workload, name: target.name, pick: target.pick } };
}

function decisionView(decision: DecisionRecord): SessionDetails['decisions'][number] {
  return {
    id: decision.id,
    by: decision.by,
    verdict: decision.verdict,
    person: decision.person && personView(decision.person),
    comment: decision.comment,
    rule: decision.rule,
    policyVersion: decision.policyHash,
    explanation: [...decision.explanation],
    seenVersion: decision.seenVersion,
    at: decision.at.toISOString(),
  };
}

function iso(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
