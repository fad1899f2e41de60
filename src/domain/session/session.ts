import { randomBytes } from 'node:crypto';
import type { Asked } from '../approval/quorum.js';
import type { Identity, Person } from '../person.js';
import { isAmong, samePerson } from '../person.js';
import type { Grant, People } from '../policy/policy.js';
import { requirementsOf } from '../policy/policy.js';
import type { Traceparent } from '../traceparent.js';
import type { Capacity, EndReason, State } from './session.machine.js';

declare const brand: unique symbol;
/** 16 characters of lower-case Crockford base 32 (80 random bits): fits a container's name, cannot be guessed. */
export type SessionId = string & { readonly [brand]: 'SessionId' };

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
export const SESSION_ID = /^[0-9a-hjkmnp-tv-z]{16}$/;

/** A new, unguessable id. */
export function newSessionId(): SessionId {
  return [...randomBytes(16)].map((byte) => ALPHABET.charAt(byte & 31)).join('') as SessionId;
}

/** The id in `text`, or `undefined` where it is none. */
export function parseSessionId(text: string): SessionId | undefined {
  return SESSION_ID.test(text) ? (text as SessionId) : undefined;
}

export const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job'] as const;
export type WorkloadKind = (typeof WORKLOAD_KINDS)[number];

/** `unhealthy-first`: a Pod that is not ready if there is one; `any-ready`: a ready one or none. */
export const POD_CHOICES = ['unhealthy-first', 'any-ready'] as const;
export type PodChoice = (typeof POD_CHOICES)[number];

export type Target =
  | { readonly kind: 'pod'; readonly name: string }
  | {
      readonly kind: 'workload';
      readonly workload: WorkloadKind;
      readonly name: string;
      readonly pick: PodChoice;
    };

export const START_MODES = ['on-approval', 'manual'] as const;
export type StartMode = (typeof START_MODES)[number];

/** What was asked for, with the configuration's defaults filled in. */
export interface SessionRequest {
  readonly cluster: string;
  readonly namespace: string;
  readonly target: Target;
  /** The container whose processes are to be seen; absent: the debug container has a PID namespace of its own. */
  readonly container?: string;
  readonly profile: string;
  readonly reason: string;
  readonly ticket?: string;
  readonly durationSeconds: number;
  readonly start: StartMode;
  /** Whether they ask to be let in at once, without consents, at the price of a review. */
  readonly breakGlass: boolean;
}

/** The Pod that the request was resolved to, for good: a Pod made anew under the same name is another one. */
export interface Pin {
  readonly podName: string;
  readonly podUid: string;
  readonly nodeName: string;
}

/** The container that the broker adds, fixed before the patch is sent so that sending it again changes nothing. */
export interface DebugContainer {
  readonly name: string;
  readonly image: string;
  /** The image that the cluster says it runs, once it does (`imageID` of the status). */
  readonly imageId?: string;
  /** Its timer does not hold if it starts after this instant. */
  readonly startBy: Date;
  /**
   * How well its timer defends itself: `weak` in shells whose `read` has no `-t`, `unknown` where it could not be asked
   * yet though it was tried. Known after the start.
   */
  readonly timer?: 'strong' | 'weak' | 'unknown';
  /** For how long it holds; absent: for as long as was asked for at first. */
  readonly durationSeconds?: number;
}

/** A container that is being started to take the place of the one that a session has. */
export interface Extension {
  readonly container: DebugContainer & { readonly durationSeconds: number };
  readonly askedAt: Date;
}

/** A container that a session had, or was to have, and that may still run. */
export interface FormerContainer {
  readonly container: DebugContainer;
  /** When the broker begins to end it: terminals have until then to move. */
  readonly endFrom: Date;
}

export interface Session {
  readonly id: SessionId;
  /** Grows by one with each event; it is the ETag, and the sequence of the newest event. */
  readonly version: number;
  readonly state: State;
  readonly requester: Person;
  readonly request: SessionRequest;
  readonly pin: Pin | null;
  /** What policy granted, frozen; null where it refused. */
  readonly grant: Grant | null;
  readonly container: DebugContainer | null;
  /** Null: none is under way. */
  readonly extension: Extension | null;
  /** How many were granted so far, whatever became of them. */
  readonly extensions: number;
  readonly formerContainers: readonly FormerContainer[];
  /** The trace that it was asked for in; null where there was none. What is done for it goes on there, on any replica. */
  readonly traceparent: Traceparent | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When a session that nobody decides, or that is not started, lapses. */
  readonly lapsesAt: Date | null;
  /** When the people of the escalation were asked as well. */
  readonly escalatedAt: Date | null;
  readonly startingAt: Date | null;
  readonly startedAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly endingAt: Date | null;
  readonly endedAt: Date | null;
  readonly endReason: EndReason | null;
  /** One or two sentences for people: what happened and what to do. */
  readonly endDetail: string | null;
}

/** A person's word on a session. A consent stands until its person takes it back. */
export interface Consent {
  readonly person: Person;
  readonly verdict: 'approve' | 'deny' | 'retract';
  readonly comment?: string;
  readonly at: Date;
}

/** The consents that stand: those not taken back since, of `words` in the order in which they were said. */
export function standing<W extends Pick<Consent, 'person' | 'verdict'>>(words: readonly W[]): W[] {
  const takenBack = new Set<string>();
  return words
    .toReversed()
    .filter(({ person, verdict }) => {
      const names = namesOfHuman(person);
      if (verdict === 'retract') for (const name of names) takenBack.add(name);
      return verdict === 'approve' && !names.some((name) => takenBack.has(name));
    })
    .toReversed();
}

/** What tells one human from another, as {@link samePerson} does: any of these in common. */
function namesOfHuman({ iss, sub, human }: Identity): string[] {
  const account = JSON.stringify([iss, sub]);
  return human === undefined ? [account] : [account, `human:${human}`];
}

/** What is asked of whom on a session as it stands. */
export function askedOf(session: Pick<Session, 'grant' | 'escalatedAt'>): Asked {
  return {
    require: requirementsOf(session.grant),
    escalated:
      session.escalatedAt === null ? null : (session.grant?.terms.approvals.escalation ?? null),
  };
}

/** Everybody who has a say in a session: whose consent counts, who may revoke, who is to review it. */
export function concernedPeople(session: Pick<Session, 'grant' | 'escalatedAt'>): People {
  const { grant } = session;
  if (grant === null) return { groups: [], users: [] };
  const { approvals, breakGlass } = grant.terms;
  const all: readonly (People | null)[] = [
    ...approvals.require,
    session.escalatedAt === null ? null : approvals.escalation,
    grant.breakGlass ? (breakGlass?.review ?? null) : null,
  ];
  return {
    groups: [...new Set(all.flatMap((it) => it?.groups ?? []))],
    users: [...new Set(all.flatMap((it) => it?.users ?? []))],
  };
}

/**
 * In which capacities a person stands to a session. The requester, by whatever account of theirs, is never an approver
 * of their own session, and an admin is an admin only of others' sessions: nobody decides about themselves.
 */
export function capacitiesOf(
  session: Pick<Session, 'requester' | 'grant' | 'escalatedAt'>,
  person: Person,
  isAdmin: boolean,
): Capacity[] {
  if (samePerson(session.requester, person)) return ['requester'];
  const capacities: Capacity[] = [];
  if (isAmong(person, concernedPeople(session))) capacities.push('approver');
  if (isAdmin) capacities.push('admin');
  return capacities;
}
