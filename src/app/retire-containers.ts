import type { Session } from '../domain/session/session.js';
import type { Advance, AdvanceDeps, SystemStep, WriteStep } from './advance-session.js';
import type { Ended } from './end-containers.js';
import { EndContainers, isOf } from './end-containers.js';
import { statusOf } from './finish-session.js';
import { overrunStep } from './overrun-step.js';
import { pause } from './pause.js';
import { WatchSession } from './watch-session.js';

const POLL_MS = 200;
/** As long as a line, TERM and KILL take; then the session's own container is looked after again. */
const STRETCH_MS = 10_000;
const LOOK_AGAIN_MS = 2_000;
/** More than a container takes to end; one that does not is looked at with all that was tried last. */
const PAST_STEPS = 200;

/**
 * Ends the containers that an active session has moved from, or could not move to, while it goes on in its own. One that
 * will not end is an overrun; its Pod is not evicted before the session is over, for that would end the session.
 */
export class RetireContainers {
  private readonly watch: WatchSession;

  constructor(private readonly deps: AdvanceDeps) {
    this.watch = new WatchSession(deps);
  }

  async retire(
    found: Session,
    { signal, write }: { signal: AbortSignal; write: WriteStep },
  ): Promise<Advance | undefined> {
    const { store, clock, bounds, journal } = this.deps;
    const own = await this.watch.check(found);
    if (own === undefined || !('lookAgainAt' in own)) return own;

    const started = clock.now();
    const past = await store.steps(found.id, Math.max(0, found.version - PAST_STEPS));
    const toEnd = found.formerContainers
      .filter(({ endFrom }) => endFrom <= started)
      .map(({ container, endFrom }) => ({ container, since: endFrom }));
    const ending = new EndContainers(this.deps, found, { toEnd, past });
    const told = new Set(
      toEnd.filter(({ container }) =>
        past.some((it) => it.event === 'overrun' && isOf(it, container, found)),
      ),
    );
    const stretchEnds = Math.min(
      started.getTime() + STRETCH_MS,
      found.deadlineAt?.getTime() ?? Infinity,
    );
    let session = found;
    while (!signal.aborted) {
      const round = await ending.round(session, write);
      if (!round) return undefined;
      session = round.session;
      const [ended] = round.ended;
      if (ended) return retired(session, ended);
      if (round.unseen) {
        const { problem, cause } = round.unseen;
        journal.warn(
          { session: session.id, problem, cause },
          'a former container could not be seen',
        );
      }
      const now = clock.now();
      for (const one of toEnd) {
        const elapsedSeconds = (now.getTime() - one.since.getTime()) / 1000;
        const runs = round.alive.includes(one.container);
        if (!runs || elapsedSeconds < bounds.overrunSeconds || told.has(one)) continue;
        const { name } = one.container;
        const why = 'a container that the session has left is still running';
        const step = overrunStep(journal, session, { elapsedSeconds, why, container: name });
        const written = await write(session, step);
        if (!written) return undefined;
        session = written;
        told.add(one);
      }
      const isBusy = round.alive.length > 0 || round.tried;
      if (!isBusy || now.getTime() >= stretchEnds) {
        const next = Math.min(now.getTime() + LOOK_AGAIN_MS, own.lookAgainAt.getTime());
        return { lookAgainAt: new Date(next), version: session.version };
      }
      if (!round.tried) await pause(POLL_MS, signal);
    }
    return undefined;
  }
}

/** One less that may still run. */
function retired(session: Session, { container, detail, seen }: Ended): SystemStep {
  return {
    event: 'retire',
    of: session,
    changes: {
      formerContainers: session.formerContainers.filter(
        (it) => it.container.name !== container.name,
      ),
    },
    data: { container: container.name, detail, ...statusOf(seen) },
  };
}
