import { invariant } from '../domain/problem.js';
import { corrections, endTold } from '../domain/session/container.record.js';
import { containersOf } from '../domain/session/debug-container.js';
import type { Observation } from '../domain/session/observation.js';
import type { DebugContainer, Session } from '../domain/session/session.js';
import type { Advance, AdvanceDeps, SystemStep, WriteStep } from './advance-session.js';
import type { Ended } from './end-containers.js';
import { EndContainers } from './end-containers.js';
import { EvictPod } from './evict-pod.js';
import { overrunStep } from './overrun-step.js';
import { pause } from './pause.js';

/** How often it is looked, at first and later on. */
const POLL_MS = 200;
const POLL_LATER_MS = 2_000;
const POLL_OFTEN_SECONDS = 15;
/** After so long in one go the session is put back, to be looked at again by any replica. */
const STRETCH_MS = 20_000;
const LOOK_AGAIN_MS = 5_000;
/** No session takes as many steps before it ends: one that did has been overrunning for long. */
const PAST_STEPS = 100;

/**
 * The reaper: from `ending` to `ended`, which is written only when the cluster says that all containers of the session
 * have terminated or cannot hold any more. What does not end is ended harder, each way written in the audit log before
 * it is tried.
 */
export class FinishSession {
  constructor(private readonly deps: AdvanceDeps) {}

  /** Ends the containers as far as it goes in one stretch. */
  async finish(
    found: Session,
    { signal, write }: { signal: AbortSignal; write: WriteStep },
  ): Promise<Advance | undefined> {
    const { store, clock, bounds, journal } = this.deps;
    const past = await store.steps(found.id, Math.max(0, found.version - PAST_STEPS));
    const since = endingAt(found);
    // Terminals had until then to move over; there is nowhere to move to any more.
    const endFrom = ({ name }: DebugContainer) =>
      found.formerContainers.find(({ container }) => container.name === name)?.endFrom ?? since;
    const toEnd = containersOf(found).map((container) => ({
      container,
      since: endFrom(container) < since ? endFrom(container) : since,
    }));
    const ending = new EndContainers(this.deps, found, { toEnd, past });
    const lastResort = new EvictPod(this.deps, past);
    let overrun =
      past.length === PAST_STEPS ||
      past.some(({ event, from }) => event === 'overrun' && from === 'ending');
    let session = found;
    const stretchEnds = clock.now().getTime() + STRETCH_MS;

    while (!signal.aborted) {
      const round = await ending.round(session, write);
      if (!round) return undefined;
      session = round.session;
      const now = clock.now();
      const elapsedSeconds = (now.getTime() - since.getTime()) / 1000;
      const isOverrun = elapsedSeconds >= bounds.overrunSeconds;
      if (round.unseen) {
        const { problem, detail, cause } = round.unseen;
        journal.warn(
          { session: session.id, problem, cause },
          'an ending session could not be seen',
        );
        if (isOverrun && !overrun) {
          const written = await write(session, this.overrun(session, elapsedSeconds, detail));
          if (!written) return undefined;
          session = written;
        }
        return again(session, now);
      }
      if (round.ended.length === toEnd.length) return finished(session, round.ended, now);
      if (round.tried) continue;
      if (round.alive.length > 0 && isOverrun) {
        if (!overrun) {
          const why = 'the container is still running';
          const written = await write(session, this.overrun(session, elapsedSeconds, why));
          if (!written) return undefined;
          session = written;
          overrun = true;
        }
        const written = await lastResort.evict(session, write);
        if (!written) return undefined;
        session = written;
      }
      if (now.getTime() >= stretchEnds) return again(session, now);
      await pause(elapsedSeconds < POLL_OFTEN_SECONDS ? POLL_MS : POLL_LATER_MS, signal);
    }
    return undefined;
  }

  private overrun(session: Session, elapsedSeconds: number, why: string): SystemStep {
    return overrunStep(this.deps.journal, session, { elapsedSeconds, why });
  }
}

/** All have ended. What the record says of the session's end is told by the container that it had last. */
function finished(session: Session, ended: readonly Ended[], now: Date): SystemStep {
  const own = invariant(
    ended.find(({ container }) => container.name === session.container?.name),
    'an ending session without a container',
  );
  const { detail, seen, foundAlive } = own;
  const others = ended
    .filter((it) => it !== own)
    .map((it) => ({ container: it.container.name, detail: it.detail, ...statusOf(it.seen) }));
  return {
    event: 'finish',
    of: session,
    changes: {
      extension: null,
      formerContainers: [],
      ...(seen.kind === 'terminated' ? corrections(session, seen, { now, foundAlive }) : {}),
    },
    data: {
      detail,
      ...statusOf(seen),
      ...(others.length === 0 ? {} : { others }),
    },
  };
}

/** What the cluster said of a container that has ended. */
export function statusOf(seen: Observation): Record<string, unknown> {
  return { seen: seen.kind, ...(seen.kind === 'terminated' ? endTold(seen) : {}) };
}

function endingAt(session: Session): Date {
  return invariant(session.endingAt, 'an ending session without the instant it began to end');
}

function again(session: Session, now: Date): Advance {
  return { lookAgainAt: new Date(now.getTime() + LOOK_AGAIN_MS), version: session.version };
}
