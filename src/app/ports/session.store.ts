import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Actor, Person } from '../../domain/person.js';
import type { Facts } from '../../domain/policy/facts.js';
import type { Problem } from '../../domain/problem.js';
import type { SessionEvent, State } from '../../domain/session/session.machine.js';
import type { Consent, Session, SessionId } from '../../domain/session/session.js';

/** A policy's or a person's word, as stored. */
export interface DecisionRecord {
  readonly id: string;
  readonly by: 'policy' | 'person';
  readonly verdict: 'grant' | 'hold' | 'refuse' | 'approve' | 'deny' | 'retract';
  readonly person: Person | null;
  readonly comment: string | null;
  /** The rule that policy decided by; null for people, and for default deny. */
  readonly rule: string | null;
  readonly policyHash: string | null;
  readonly explanation: readonly string[];
  /** The version of the session that the person saw (If-Match). */
  readonly seenVersion: number | null;
  /** What policy decided from, so that it can be decided again; null for people. */
  readonly facts: Facts | null;
  readonly at: Date;
}

/** The review that a break-glass session owes. */
export interface ReviewDebt {
  /** Whose later break-glass it may block besides the person's own; null: nobody's. */
  readonly team: string | null;
  readonly dueAt: Date;
}

/** What must still be so when a step is written, whatever was read before. Sessions are counted for new ones only. */
export interface Guard {
  /** The policy set that decided, which must be the one in force. */
  readonly policyHash: string;
  /** How many sessions may be open with this one; null: any number. */
  readonly perPerson: number | null;
  readonly perPod: number | null;
}

/**
 * What makes two requests of one account alike. Another account of the same human has rights of its own: what the one
 * waits for, the other may have at once.
 */
export type Likeness = Pick<Session, 'requester' | 'request' | 'pin'>;

/**
 * One step of a session, with everything that must be written with it. `session` is the whole of it as it shall be,
 * its version one more than what is stored.
 */
export interface Step {
  readonly session: Session;
  readonly from: State | 'new';
  readonly event: SessionEvent;
  readonly actor: Actor;
  readonly at: Date;
  readonly audit: AuditEntry;
  readonly decision?: DecisionRecord;
  /** More about the step for readers of its history, as plain JSON without secrets. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** When the broker must look at the session next; null: never of its own accord. */
  readonly dueAt: Date | null;
  /** For a new session, and for a step that the policy set in force is the reason of. */
  readonly guard?: Guard;
  readonly debt?: ReviewDebt;
  /** Who asked with which key, so that asking again finds the session. */
  readonly idempotency?: IdempotencyKey;
  /** The replica whose claim on the session must still hold when this is written. */
  readonly heldBy?: string;
}

export interface IdempotencyKey {
  readonly iss: string;
  readonly sub: string;
  readonly key: string;
  /** SHA-256 (hex) of the request that the key stands for. */
  readonly requestHash: string;
}

/** A step of a session's past. */
export interface StepRecord {
  readonly seq: number;
  readonly event: SessionEvent;
  readonly from: State | 'new';
  readonly to: State;
  readonly at: Date;
  readonly actor: Actor;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Lease {
  readonly owner: string;
  readonly seconds: number;
}

/**
 * How many sessions of one cluster may be held for their ends, as many again for anything else, and what is held already:
 * a cluster that hangs leaves the others theirs, and neither kind of work takes the lanes of the other.
 */
export interface Room {
  readonly lanes: number;
  readonly taken?: readonly Held[];
}

/** So many sessions of one cluster are held: for their ends, or for anything else. */
export interface Held {
  readonly cluster: string;
  readonly isEnd: boolean;
  readonly sessions: number;
}

/** A session that is held from now on: for its end, where that was due, or for anything else. */
export interface Claimed {
  readonly session: Session;
  readonly isEnd: boolean;
}

/** What a person may see in lists: all, or their own and those that their groups may decide. */
export type Visibility =
  { readonly kind: 'all' } | { readonly kind: 'own'; readonly person: Person };

export interface SessionFilter {
  readonly states?: readonly State[];
  readonly cluster?: string;
  readonly namespace?: string;
  /** Only sessions that this person asked for. */
  readonly requester?: Pick<Person, 'iss' | 'sub'>;
  /** Only those asked for as break-glass, or only the others. */
  readonly breakGlass?: boolean;
}

/** A place in a list that is sorted by time of creation, newest first. */
export interface Cursor {
  readonly createdAt: Date;
  readonly id: SessionId;
}

/**
 * The one door to sessions. {@link write} alone changes one, by compare-and-swap, with its event, audit entry,
 * decision and outbox entry in one transaction; nothing else in the program writes a state.
 */
export abstract class SessionStore {
  /**
   * @returns the session; `write-conflict` where another write came first (for a new one: the idempotency key was
   * taken, one like it was asked for, or what its guard says is not so any more), or where the claim was to hold and
   * does not.
   */
  abstract write(step: Step): Promise<Session | Problem>;

  abstract find(id: SessionId): Promise<Session | undefined>;
  /** The versions of these sessions as stored: whoever keeps some learns in one question which to read again. */
  abstract versions(ids: readonly SessionId[]): Promise<ReadonlyMap<SessionId, number>>;
  abstract findByKey(
    key: Omit<IdempotencyKey, 'requestHash'>,
  ): Promise<{ readonly session: Session; readonly requestHash: string } | undefined>;
  /**
   * An open session of the same account, target (as asked for; or, where there is a pin, as found), container and
   * profile that breaks the glass as well or does neither; the newest where there are several. One that is being ended
   * is like none.
   */
  abstract findAlike(likeness: Likeness): Promise<Session | undefined>;
  /** What people said, in the order in which they said it, each with the person as their newest token says. */
  abstract consents(id: SessionId): Promise<Consent[]>;
  abstract decisions(id: SessionId): Promise<DecisionRecord[]>;
  abstract steps(id: SessionId, after: number): Promise<StepRecord[]>;
  abstract list(args: {
    readonly visibility: Visibility;
    readonly filter: SessionFilter;
    readonly after?: Cursor;
    readonly limit: number;
  }): Promise<Session[]>;

  /**
   * Claims sessions that are due and that nobody holds (FOR UPDATE SKIP LOCKED), of each cluster as many whose end is due,
   * and as many others, as there is room for: of either kind those that have been due for longest.
   */
  abstract claim(lease: Lease, room: Room): Promise<Claimed[]>;
  /** Prolongs a claim. Gives the session as stored, or `undefined` where the claim was lost to another. */
  abstract renew(id: SessionId, lease: Lease): Promise<Session | undefined>;
  /** Gives a claim back and says when the session is due next; nothing where the claim was lost. */
  abstract release(args: {
    readonly id: SessionId;
    readonly owner: string;
    readonly dueAt: Date | null;
    /** The version that `dueAt` was decided on: where it moved on meanwhile, the session stays due at once. */
    readonly version: number;
  }): Promise<void>;
  /**
   * In how many milliseconds the next session that nobody holds is due, by the database's clock; null: none is.
   *
   * @param room where given, only of sessions that it leaves room for: what could not be claimed is not waited for.
   */
  abstract nextDueInMs(room?: Room): Promise<number | null>;
}
