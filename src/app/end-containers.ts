import { invariant, isProblem } from '../domain/problem.js';
import type { Problem } from '../domain/problem.js';
import { holdSeconds } from '../domain/session/debug-container.js';
import type { Observation } from '../domain/session/observation.js';
import type { Ending } from '../domain/session/session.plan.js';
import { dueEnding, judgeEnding } from '../domain/session/session.plan.js';
import type { DebugContainer, Session } from '../domain/session/session.js';
import { killCommand, termCommand } from '../domain/timebox/timer.js';
import type { AdvanceDeps, WriteStep } from './advance-session.js';
import { isEviction } from './evict-pod.js';
import { placeOf } from './place.js';
import type { StepRecord } from './ports/session.store.js';

/** A container that is to end, from an instant on. */
export interface ToEnd {
  readonly container: DebugContainer;
  readonly since: Date;
}

/** A container that has ended, or cannot hold any more. */
export interface Ended {
  readonly container: DebugContainer;
  readonly detail: string;
  readonly seen: Observation;
  /** Whether it was seen to run after it had begun to end. */
  readonly foundAlive: boolean;
}

/** What one look at all of them came to. */
export interface Round {
  readonly session: Session;
  readonly ended: readonly Ended[];
  /** Those that run. */
  readonly alive: readonly DebugContainer[];
  /** Whether something was done about one, so that it is worth looking at once. */
  readonly tried: boolean;
  /** Why one could not be looked at. */
  readonly unseen: Problem | undefined;
}

interface Underway extends ToEnd {
  /** The gentlest way is not counted by others: it is tried again by whoever takes the session over. */
  tries: number;
  lastTryAt: Date;
}

/**
 * Ends containers of a session, each by ways that grow harder, which are written in the audit log before they are
 * tried.
 */
export class EndContainers {
  private readonly all: readonly Underway[];
  private readonly ended = new Map<string, Ended>();

  /** @param past the session's newest steps, as far as they are known. */
  constructor(
    private readonly deps: AdvanceDeps,
    session: Session,
    args: { readonly toEnd: readonly ToEnd[]; readonly past: readonly StepRecord[] },
  ) {
    this.all = args.toEnd.map(({ container, since }) => {
      const tried = args.past.filter(
        (it) => it.event === 'escalate' && !isEviction(it) && isOf(it, container, session),
      );
      return {
        container,
        since,
        tries: tried.length === 0 ? 0 : tried.length + 1,
        lastTryAt: tried.at(-1)?.at ?? since,
      };
    });
  }

  /** Looks at each and does what is due. Gives `undefined` where somebody else changed the session. */
  async round(found: Session, write: WriteStep): Promise<Round | undefined> {
    let session = found;
    let unseen: Problem | undefined;
    const alive: DebugContainer[] = [];
    const due: { readonly container: DebugContainer; readonly how: Ending }[] = [];
    for (const one of this.all) {
      const { container } = one;
      if (this.ended.has(container.name)) continue;
      const seen = await this.deps.clusters.observe(placeOf(session, container));
      if (isProblem(seen)) {
        unseen = seen;
        continue;
      }
      const now = this.deps.clock.now();
      const verdict = this.judge(session, one, { seen, now });
      if (verdict.kind === 'alive') alive.push(container);
      if (verdict.kind !== 'alive') continue;
      const how = dueEnding((now.getTime() - one.lastTryAt.getTime()) / 1000, one.tries);
      if (!how) continue;
      one.tries++;
      one.lastTryAt = now;
      if (how !== 'line') {
        const data = { how, ...nameOf(container, session) };
        const written = await write(session, { event: 'escalate', data });
        if (!written) return undefined;
        session = written;
      }
      due.push({ container, how });
    }
    const at = session;
    await Promise.all(due.map((one) => this.tryEnding(at, one)));
    const ended = [...this.ended.values()];
    return { session, ended, alive, tried: due.length > 0, unseen };
  }

  private judge(
    session: Session,
    { container, tries }: Underway,
    { seen, now }: { readonly seen: Observation; readonly now: Date },
  ) {
    const isOwn = container.name === session.container?.name;
    const hasRun = isOwn || container.imageId !== undefined;
    const verdict = judgeEnding(
      seen,
      { container, startedAt: hasRun ? session.startedAt : null },
      now,
      this.deps.bounds.startGraceSeconds,
    );
    if (verdict.kind === 'ended') {
      const { detail } = verdict;
      this.ended.set(container.name, { container, detail, seen, foundAlive: tries > 0 });
    }
    return verdict;
  }

  private async tryEnding(
    session: Session,
    { container, how }: { readonly container: DebugContainer; readonly how: Ending },
  ): Promise<void> {
    const { clusters, journal } = this.deps;
    const place = placeOf(session, container);
    const timer = {
      shell: invariant(session.grant, 'an ending session without a grant').profile.shell,
      startByEpochSeconds: Math.floor(container.startBy.getTime() / 1000),
      durationSeconds: holdSeconds(session, container),
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
}

/** Steps name the container that they are about, but for the one that the session has. */
export function nameOf(
  { name }: DebugContainer,
  session: Session,
): { readonly container?: string } {
  return name === session.container?.name ? {} : { container: name };
}

/** Whether a step is about that container. */
export function isOf(
  { data }: Pick<StepRecord, 'data'>,
  container: DebugContainer,
  session: Session,
): boolean {
  return (data['container'] ?? session.container?.name) === container.name;
}
