import { invariant, isProblem } from '../domain/problem.js';
import { timesOfExtension } from '../domain/session/container.record.js';
import { leaving } from '../domain/session/extension.js';
import { hintFor } from '../domain/session/observation.js';
import type { Extension, Session } from '../domain/session/session.js';
import { plainText } from '../domain/text.js';
import type { Advance, AdvanceDeps, SystemStep } from './advance-session.js';
import { placeOf } from './place.js';
import { StartContainer, kubernetesSays } from './start-container.js';
import { WatchSession } from './watch-session.js';

/** After so long in one go the session is put back, and its own container is looked after again. */
const STRETCH_MS = 10_000;

/**
 * Starts the container of an extension while the session goes on in the one that it has, and moves the session there
 * once it runs. Where it does not, the session goes on to the deadline that it had.
 */
export class MoveSession {
  private readonly starting: StartContainer;
  private readonly watch: WatchSession;

  constructor(private readonly deps: AdvanceDeps) {
    this.starting = new StartContainer(deps);
    this.watch = new WatchSession(deps);
  }

  async extend(session: Session, signal: AbortSignal): Promise<Advance | undefined> {
    const { clusters, clock } = this.deps;
    const extension = invariant(session.extension, 'no extension is under way');
    const { container } = extension;
    // Before the session's own container is asked for: that one may just have come to its end.
    const seen = await clusters.observe(placeOf(session, container));
    if (!isProblem(seen) && seen.kind === 'running') {
      return this.moved(session, extension, seen);
    }
    const own = await this.watch.check(session);
    if (own === undefined || !('lookAgainAt' in own)) return own;

    const stretchEnds = clock.now().getTime() + STRETCH_MS;
    const deadline = session.deadlineAt?.getTime() ?? stretchEnds;
    const endsAt = new Date(Math.min(stretchEnds, own.lookAgainAt.getTime(), deadline));
    const came = await this.starting.start({ session, container, endsAt, signal });
    if (came === undefined || 'lookAgainAt' in came) return came;
    if ('refused' in came) {
      return this.notMoved(session, extension, {
        why: came.refused.detail,
        data: { problem: came.refused.problem },
      });
    }
    switch (came.kind) {
      case 'started':
        return this.started(session, extension);
      case 'pod-gone':
        // Looked at anew, the session's own container says so too.
        return { lookAgainAt: clock.now() };
      case 'failed':
        return this.notMoved(session, extension, {
          why: kubernetesSays(came, hintFor(came.reason)),
          data: { kubernetesReason: came.reason },
        });
    }
  }

  /** It has been seen to have run: nobody moves to what has ended since. */
  private async started(session: Session, extension: Extension): Promise<Advance> {
    const { clusters, clock } = this.deps;
    const seen = await clusters.observe(placeOf(session, extension.container));
    if (isProblem(seen)) return { lookAgainAt: clock.now() };
    if (seen.kind === 'running') return this.moved(session, extension, seen);
    return this.notMoved(session, extension, {
      why: 'Its container ran, and ended at once.',
      data: { seen: seen.kind },
    });
  }

  private moved(
    session: Session,
    extension: Extension,
    seen: { readonly startedAt: Date; readonly imageId: string },
  ): SystemStep {
    const at = this.deps.clock.now();
    const { deadlineAt } = timesOfExtension(extension, seen.startedAt, at);
    const { container } = extension;
    const handOverUntil = new Date(at.getTime() + this.deps.bounds.handOverSeconds * 1000);
    return {
      event: 'move',
      changes: {
        container: { ...container, imageId: seen.imageId },
        deadlineAt,
        extension: null,
        formerContainers: leaving(session, handOverUntil),
      },
      data: {
        container: container.name,
        former: session.container?.name,
        deadline: deadlineAt.toISOString(),
        seen: 'running',
        imageId: seen.imageId,
        kubernetesStartedAt: seen.startedAt.toISOString(),
      },
    };
  }

  private notMoved(
    session: Session,
    { container }: Extension,
    { why, data }: { readonly why: string; readonly data: Readonly<Record<string, unknown>> },
  ): SystemStep {
    return {
      event: 'unextend',
      outcome: 'failure',
      changes: {
        extension: null,
        // It may have been sent, and start yet.
        formerContainers: [
          ...session.formerContainers,
          { container, endFrom: this.deps.clock.now() },
        ],
      },
      data: {
        ...data,
        container: container.name,
        deadline: session.deadlineAt?.toISOString(),
        detail: plainText(
          `The session could not be extended and goes on to the deadline that it had. ${why}`,
        ),
      },
    };
  }
}
