import { invariant, isProblem } from '../domain/problem.js';
import { corrections, kubernetesTimes } from '../domain/session/container.record.js';
import type { Ending } from '../domain/session/session.plan.js';
import { dueEnding, judgeEnding } from '../domain/session/session.plan.js';
import type { Session } from '../domain/session/session.js';
import { killCommand, termCommand } from '../domain/timebox/timer.js';
import type { Advance, AdvanceDeps, SystemStep, WriteStep } from './advance-session.js';
import { EvictPod, isEviction } from './evict-pod.js';
import { pause } from './pause.js';
import { placeOf } from './place.js';

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
 * The reaper: from `ending` to `ended`, which is written only when the cluster says that the container has terminated
 * or cannot hold any more. What does not end is ended harder, each way written in the audit log before it is tried.
 */
export class FinishSession {
  constructor(private readonly deps: AdvanceDeps) {}

  /** Ends the container as far as it goes in one stretch. */
  async finish(
    found: Session,
    { signal, write }: { signal: AbortSignal; write: WriteStep },
  ): Promise<Advance | undefined> {
    const { store, clusters, clock, bounds, journal } = this.deps;
    const place = placeOf(found);
    const past = await store.steps(found.id, Math.max(0, found.version - PAST_STEPS));
    const escalations = past.filter((it) => it.event === 'escalate' && !isEviction(it));
    const lastResort = new EvictPod(this.deps, past);
    let overrun = past.length === PAST_STEPS || past.some(({ event }) => event === 'overrun');
    let session = found;
    // The gentlest way is not counted: it is tried again by whoever takes the session over.
    let tries = escalations.length === 0 ? 0 : escalations.length + 1;
    let lastTryAt = escalations.at(-1)?.at ?? this.endingAt(found);
    const stretchEnds = clock.now().getTime() + STRETCH_MS;

    while (!signal.aborted) {
      const seen = await clusters.observe(place);
      const now = clock.now();
      const elapsedSeconds = (now.getTime() - this.endingAt(session).getTime()) / 1000;
      if (isProblem(seen)) {
        journal.warn(
          { session: session.id, problem: seen.problem, cause: seen.cause },
          'an ending session could not be seen',
        );
        if (elapsedSeconds >= bounds.overrunSeconds && !overrun) {
          const written = await write(session, this.overrun(session, elapsedSeconds, seen.detail));
          if (!written) return undefined;
          session = written;
        }
        return again(session, now);
      }
      const verdict = judgeEnding(seen, session, now, bounds.startGraceSeconds);
      if (verdict.kind === 'ended') {
        const { detail } = verdict;
        if (seen.kind !== 'terminated')
          return { event: 'finish', data: { detail, seen: seen.kind } };
        return {
          event: 'finish',
          changes: corrections(session, seen, { now, foundAlive: tries > 0 }),
          data: { detail, seen: seen.kind, ...kubernetesTimes(seen) },
        };
      }
      if (verdict.kind === 'alive') {
        const how = dueEnding((now.getTime() - lastTryAt.getTime()) / 1000, tries);
        if (how) {
          tries++;
          lastTryAt = now;
          if (how !== 'line') {
            const written = await write(session, { event: 'escalate', data: { how } });
            if (!written) return undefined;
            session = written;
          }
          await this.tryEnding(session, how);
          continue;
        }
        if (elapsedSeconds >= bounds.overrunSeconds) {
          if (!overrun) {
            const written = await write(
              session,
              this.overrun(session, elapsedSeconds, 'the container is still running'),
            );
            if (!written) return undefined;
            session = written;
            overrun = true;
          }
          const written = await lastResort.evict(session, write);
          if (!written) return undefined;
          session = written;
        }
      }
      if (now.getTime() >= stretchEnds) return again(session, now);
      await pause(elapsedSeconds < POLL_OFTEN_SECONDS ? POLL_MS : POLL_LATER_MS, signal);
    }
    return undefined;
  }

  private async tryEnding(session: Session, how: Ending): Promise<void> {
    const { clusters, journal } = this.deps;
    const place = placeOf(session);
    const { startBy } = invariant(session.container, 'an ending session without a container');
    const timer = {
      shell: invariant(session.grant, 'an ending session without a grant').profile.shell,
      startByEpochSeconds: Math.floor(startBy.getTime() / 1000),
      durationSeconds: session.request.durationSeconds,
    };
    const answer =
      how === 'line'
        ? await clusters.writeLine(place)
        : await clusters.run(place, how === 'term' ? termCommand(timer) : killCommand(timer));
    if (isProblem(answer)) {
      // The container may have ended between the look and the try: the next look tells.
      journal.info(
        { session: session.id, how, problem: answer.problem, cause: answer.cause },
        'an ending did not get through',
      );
    }
  }

  /** A session that will not end is an alert, never a silence. */
  private overrun(session: Session, elapsedSeconds: number, why: string): SystemStep {
    this.deps.journal.error(
      {
        session: session.id,
        cluster: session.request.cluster,
        pod: session.pin?.podName,
        elapsedSeconds,
        why,
      },
      'a session does not end',
    );
    return {
      event: 'overrun',
      outcome: 'failure',
      data: {
        why,
        elapsedSeconds: Math.round(elapsedSeconds),
        onOverrun: session.grant?.terms.onOverrun,
      },
    };
  }

  private endingAt(session: Session): Date {
    return invariant(session.endingAt, 'an ending session without the instant it began to end');
  }
}

function again(session: Session, now: Date): Advance {
  return { lookAgainAt: new Date(now.getTime() + LOOK_AGAIN_MS), version: session.version };
}
