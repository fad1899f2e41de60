import { auditEntry } from '../domain/audit/entry.js';
import { requirementsOf } from '../domain/policy/policy.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { Consent, Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { maySee, personOf, visibilityFor } from './caller.js';
import { Clock } from './ports/clock.js';
import type { AuditRecord } from './ports/audit.log.js';
import { AuditLog } from './ports/audit.log.js';
import type { Cursor, DecisionRecord, SessionFilter, StepRecord } from './ports/session.store.js';
import { SessionStore } from './ports/session.store.js';

/** What a stranger is told, and what is told of a session that is not there: the same. */
export function absent(id: string): Problem {
  return problem('not-found', `There is no session ${id} that you may see.`);
}

/** What was said about a session, by policy and by people. */
export interface Said {
  readonly decisions: readonly DecisionRecord[];
  /** The words of people among them, each with the person as they are now. */
  readonly words: readonly Consent[];
}

/** Everything said about a session; people are looked up only where policy wants any. */
export async function saidOn(
  store: Pick<SessionStore, 'decisions' | 'consents'>,
  session: Session,
): Promise<Said> {
  const asksPeople = requirementsOf(session.grant).length > 0;
  const [decisions, words] = await Promise.all([
    store.decisions(session.id),
    asksPeople ? store.consents(session.id) : [],
  ]);
  return { decisions, words };
}

/** Reading sessions: what the caller may see and nothing else. */
export class ReadSession {
  constructor(private readonly deps: { readonly store: SessionStore }) {}

  /** One session with the decisions made about it, or `not-found`. */
  async one(caller: Caller, id: SessionId): Promise<(Said & { session: Session }) | Problem> {
    const session = await this.deps.store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    return { session, ...(await saidOn(this.deps.store, session)) };
  }

  /**
   * The steps after number `after` (0: from the first) of a session that was read before, or `not-found`. Who may see a
   * session does not change in its life, so that following it need not read it again and again.
   */
  async steps(caller: Caller, session: Session, after: number): Promise<StepRecord[] | Problem> {
    if (!maySee(caller, session)) return absent(session.id);
    return this.deps.store.steps(session.id, after);
  }

  /** A page of sessions, newest first; one more than `limit` tells that there are more. */
  async page(
    caller: Caller,
    args: { filter: SessionFilter; mine: boolean; after?: Cursor; limit: number },
  ): Promise<{ sessions: Session[]; more: boolean }> {
    const found = await this.deps.store.list({
      visibility: visibilityFor(caller),
      filter: args.mine ? { ...args.filter, requester: personOf(caller) } : args.filter,
      limit: args.limit + 1,
      ...(args.after ? { after: args.after } : {}),
    });
    return { sessions: found.slice(0, args.limit), more: found.length > args.limit };
  }
}

/** Reading the audit log, which is itself an event. */
export class ReadAudit {
  constructor(private readonly deps: { readonly log: AuditLog; readonly clock: Clock }) {}

  /** A page of the log, newest first. The read is written before anything is shown. */
  async page(
    caller: Caller,
    args: Parameters<AuditLog['read']>[0],
  ): Promise<{ records: AuditRecord[]; more: boolean }> {
    const { log, clock } = this.deps;
    await log.append(
      auditEntry({
        at: clock.now(),
        action: 'audit.read',
        outcome: 'success',
        actor: caller.actor,
        data: {
          session: args.sessionId,
          action: args.action,
          before: args.before?.id,
          limit: args.limit,
        },
      }),
    );
    const found = await log.read({ ...args, limit: args.limit + 1 });
    return { records: found.slice(0, args.limit), more: found.length > args.limit };
  }
}
