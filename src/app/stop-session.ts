import { isProblem } from '../domain/problem.js';
import type { EndReason } from '../domain/session/session.machine.js';
import { isFinal, next } from '../domain/session/session.machine.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import { SessionStore } from './ports/session.store.js';
import { stepOf } from './session-step.js';

/** Two writers may meet; after so many times it is not chance any more. */
const TRIES_MAX = 8;
const RETRY_MS = 1_000;

/** Ends a session of the broker's own accord, where it may not go on. */
export class StopSession {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
    },
  ) {}

  /** @returns the session after it; `undefined` where there is nothing to end any more. */
  async stop(
    id: SessionId,
    why: { readonly reason: EndReason; readonly detail: string },
  ): Promise<Session | undefined> {
    const { store, clock, replica } = this.deps;
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const session = await store.find(id);
      const to = session && next(session.state, 'revoke', ['system']);
      if (!session || !to) return undefined;
      const at = clock.now();
      const written = await store.write(
        stepOf({
          session,
          event: 'revoke',
          capacities: ['system'],
          actor: { kind: 'system', replica },
          at,
          data: { why: why.reason },
          changes: {
            endReason: why.reason,
            endDetail: why.detail,
            ...(isFinal(to) ? { lapsesAt: null } : { endingAt: at }),
          },
        }),
      );
      if (!isProblem(written)) return written;
    }
    throw new Error(`the session ${id} was changed by others again and again`);
  }

  /** The same, tried until it is written, however long the database is away, or `signal` aborts. */
  async insist(
    id: SessionId,
    why: { readonly reason: EndReason; readonly detail: string },
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.stop(id, why);
        return;
      } catch (error) {
        this.deps.journal.error(
          { session: id, reason: why.reason, err: error },
          'a session that must end could not be ended yet',
        );
        await pause(RETRY_MS, signal);
      }
    }
  }
}
