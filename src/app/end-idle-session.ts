import type { Actor } from '../domain/person.js';
import type { Problem } from '../domain/problem.js';
import { isProblem } from '../domain/problem.js';
import type { Session, SessionId } from '../domain/session/session.js';
import { REASON_OF_EVENT } from '../domain/session/session.machine.js';
import { Clock } from './ports/clock.js';
import { SessionStore } from './ports/session.store.js';
import { stepOf } from './session-step.js';

/** Two writers may meet; after so many times it is not chance any more. */
const TRIES_MAX = 8;

/** Ends a session in which nothing has been typed for as long as its terms allow. */
export class EndIdleSession {
  private readonly actor: Actor;

  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly clock: Clock;
      readonly replica: string;
    },
  ) {
    this.actor = { kind: 'system', replica: deps.replica };
  }

  /**
   * To be called by whoever saw the last input, at any time and as often as they like: nothing is done before the limit
   * has passed since `lastInputAt`, where the terms know no limit, or where the session is not active any more.
   *
   * @returns the session as it is then; undefined where there is none; `write-conflict` where it changes all the time.
   */
  async end(id: SessionId, lastInputAt: Date): Promise<Session | Problem | undefined> {
    const { store, clock } = this.deps;
    for (let tries = 1; ; tries++) {
      const session = await store.find(id);
      const idleSeconds = session?.grant?.terms.idleSeconds ?? null;
      if (session?.state !== 'active' || idleSeconds === null) return session;
      const at = clock.now();
      const idleMs = at.getTime() - lastInputAt.getTime();
      if (idleMs < idleSeconds * 1000) return session;
      const written = await store.write(
        stepOf({
          session,
          event: 'idle',
          capacities: ['system'],
          actor: this.actor,
          at,
          changes: {
            endReason: REASON_OF_EVENT.idle,
            endDetail: `Nothing was typed for ${idleSeconds} seconds, which is as long as the terms of the session allow.`,
            endingAt: at,
          },
          data: { idleSeconds, lastInputAt: lastInputAt.toISOString() },
        }),
      );
      const lost = isProblem(written) && written.problem === 'write-conflict';
      if (!lost || tries === TRIES_MAX) return written;
    }
  }
}
