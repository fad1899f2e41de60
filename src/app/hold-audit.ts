import { randomUUID } from 'node:crypto';
import { auditEntry } from '../domain/audit/entry.js';
import type { Problem } from '../domain/problem.js';
import { problem } from '../domain/problem.js';
import type { SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { maySee, personOf } from './caller.js';
import type { AuditHold, AuditHolds } from './ports/audit.holds.js';
import type { Clock } from './ports/clock.js';
import type { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';

/** More are not listed; holds are few. */
const HOLDS_MAX = 1_000;

/**
 * Legal holds: what is held is kept beyond its time, events and recordings alike, until the hold is released. Placing one
 * and releasing it are events.
 */
export class HoldAudit {
  constructor(
    private readonly deps: {
      readonly holds: AuditHolds;
      readonly store: Pick<SessionStore, 'find'>;
      readonly clock: Clock;
    },
  ) {}

  /** Those that stand, the newest first. */
  standing(): Promise<AuditHold[]> {
    return this.deps.holds.standing(HOLDS_MAX);
  }

  async place(
    caller: Caller,
    wish: {
      readonly session?: SessionId;
      readonly from?: Date;
      readonly until?: Date;
      readonly reason: string;
      readonly ticket?: string;
    },
  ): Promise<AuditHold | Problem> {
    const { holds, store, clock } = this.deps;
    const session = wish.session === undefined ? undefined : await store.find(wish.session);
    if (wish.session !== undefined && !(session && maySee(caller, session)))
      return absent(wish.session);
    const { iss, sub } = personOf(caller);
    const hold: AuditHold = {
      id: randomUUID(),
      session: wish.session ?? null,
      from: wish.from ?? null,
      until: wish.until ?? null,
      reason: wish.reason,
      ticket: wish.ticket ?? null,
      by: { iss, sub },
      at: clock.now(),
    };
    await holds.place(
      hold,
      auditEntry({
        at: hold.at,
        action: 'audit.held',
        outcome: 'success',
        actor: caller.actor,
        ...(session ? { session } : {}),
        data: {
          hold: hold.id,
          from: hold.from?.toISOString(),
          until: hold.until?.toISOString(),
          reason: wish.reason,
          ticket: wish.ticket,
        },
      }),
    );
    return hold;
  }

  /** Releases a hold. @returns it as it was. */
  async release(
    caller: Caller,
    id: string,
    why: { readonly reason: string; readonly ticket?: string },
  ): Promise<AuditHold | Problem> {
    const { holds, store, clock } = this.deps;
    const hold = await holds.find(id);
    if (hold === undefined) return noHold();
    const session = hold.session === null ? undefined : await store.find(hold.session as SessionId);
    const at = clock.now();
    const audit = auditEntry({
      at,
      action: 'audit.released',
      outcome: 'success',
      actor: caller.actor,
      ...(session ? { session } : {}),
      data: { hold: id, reason: why.reason, ticket: why.ticket, heldBy: hold.by },
    });
    return (await holds.release(id, at, audit)) ? hold : noHold();
  }
}

function noHold(): Problem {
  return problem('not-found', 'There is no such hold that stands.');
}
