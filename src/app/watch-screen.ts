import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import { sameAccount } from '../domain/person.js';
import type { Actor, Person } from '../domain/person.js';
import type { RoleGroups } from '../domain/permission.js';
import { rolesOf } from '../domain/permission.js';
import type { Problem } from '../domain/problem.js';
import { invariant, problem } from '../domain/problem.js';
import { isFinal } from '../domain/session/session.machine.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { personOf } from './caller.js';
import type { StreamEnd } from './enter-session.js';
import { stateRefusal } from './issue-ticket.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { LiveLine } from './ports/live.view.js';
import { LiveView } from './ports/live.view.js';
import { People } from './ports/people.js';
import { Presence } from './ports/presence.js';
import { SessionNews } from './ports/session.news.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';
import { mayWatch } from './watchers.js';

/** How often it is looked whether the session goes on and the watcher may still watch; news come earlier. */
const LOOK_MS = 5_000;
/** How long lines may still come after the session has ended: its last ones are stored a moment later. */
const LINGER_MS = 1_000;

/** What somebody watches. Those in the session know of it by now, and it is written in the audit log. */
export interface Screen {
  /** To be read once. Ends when `ended` is known, or the watcher left. */
  readonly lines: AsyncIterable<LiveLine>;
  readonly ended: Promise<StreamEnd>;
  /** Ends it, and writes that it ended. Does no harm the second time. */
  leave(): Promise<void>;
}

/** The live view of what is shown in a session. */
export class WatchScreen {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly news: SessionNews;
      readonly people: People;
      readonly presence: Presence;
      readonly live: LiveView;
      readonly roleGroups: RoleGroups;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  /**
   * Begins to watch: written down first, then told to those in the session, then shown.
   *
   * @returns `not-found` for who may not watch the session, its requester above all; `not-running` where it waits for
   * consents or is over.
   */
  async watch(caller: Caller, id: SessionId): Promise<Screen | Problem> {
    const { store, presence, live } = this.deps;
    const session = await store.find(id);
    const watcher = { person: personOf(caller), roles: caller.roles };
    if (!session || !mayWatch(watcher, session)) return absent(id);
    const refusal = stateRefusal(session);
    if (refusal) return refusal;
    const gone = await presence.join({
      session: id,
      person: personOf(caller),
      came: () => this.entry(caller, session, 'session.watched'),
      left: () => this.entry(caller, session, 'session.unwatched'),
    });
    const over = new AbortController();
    let left: Promise<void> | undefined;
    const leave = () =>
      (left ??= (async () => {
        over.abort();
        await gone();
      })());
    return {
      lines: live.follow(id, over.signal),
      ended: this.end(caller, id, over),
      leave,
    };
  }

  /** What is written where somebody is taken for gone: nobody speaks for them any more, as after the death of a replica. */
  async silent(id: SessionId, person: Person, by: Actor): Promise<AuditEntry> {
    const { store, clock } = this.deps;
    const session = invariant(await store.find(id), 'somebody watched a session that is not there');
    const { iss, sub } = person;
    return auditEntry({
      at: clock.now(),
      action: 'session.unwatched',
      outcome: 'success',
      actor: by,
      session,
      data: { watcher: { iss, sub }, because: 'silent' },
    });
  }

  /** Resolves when there is nothing more to watch, or not for this watcher. Never rejects. */
  private async end(caller: Caller, id: SessionId, over: AbortController): Promise<StreamEnd> {
    let bell = new AbortController();
    const unsubscribe = this.deps.news.subscribe((heard) => {
      if (heard === id) bell.abort();
    });
    try {
      while (!over.signal.aborted) {
        const end = await this.look(caller, id);
        if (end) {
          if (end.kind === 'session-over') await pause(LINGER_MS, over.signal);
          return end;
        }
        await pause(LOOK_MS, AbortSignal.any([over.signal, bell.signal]));
        bell = new AbortController();
      }
      return { kind: 'left' };
    } finally {
      unsubscribe();
      over.abort();
    }
  }

  /** Why the watching ends; undefined where it goes on, also where the database is away for a while. */
  private async look(caller: Caller, id: SessionId): Promise<StreamEnd | undefined> {
    const { store, people, journal, roleGroups } = this.deps;
    try {
      const person = personOf(caller);
      const [session, known] = await Promise.all([store.find(id), people.latest([person])]);
      if (!session) return { kind: 'refused', problem: absent(id) };
      if (isFinal(session.state)) {
        return {
          kind: 'session-over',
          reason: session.endReason,
          detail: session.endDetail ?? 'The session is over.',
        };
      }
      const now = known.find((it) => sameAccount(it, person)) ?? person;
      if (mayWatch({ person: now, roles: rolesOf(now, roleGroups) }, session)) return undefined;
      return {
        kind: 'refused',
        problem: problem('forbidden', `You may not watch the session ${id} any more.`),
      };
    } catch (error) {
      journal.warn({ err: error, session: id }, 'it could not be looked whether watching goes on');
      return undefined;
    }
  }

  private entry(
    caller: Caller,
    session: Session,
    action: 'session.watched' | 'session.unwatched',
  ): AuditEntry {
    const at = this.deps.clock.now();
    return auditEntry({ at, action, outcome: 'success', actor: caller.actor, session });
  }
}
