import { Clusters, type Place } from '../../src/app/ports/cluster.js';
import { SessionStore, type Step } from '../../src/app/ports/session.store.js';
import { CONTAINER_PREFIX } from '../../src/domain/session/debug-container.js';
import { ENDINGS, type Ending } from '../../src/domain/session/session.plan.js';
import { replacing } from '../../src/app/replacing.js';
import { StepTrail } from './step.trail.js';

/** The trails of all sessions that were asked for in this process. */
export class Trails {
  private readonly byId = new Map<string, StepTrail>();
  private readonly byPod = new Map<string, StepTrail>();
  /** Whether the broker still finds work; false: it only goes on with what it was doing. */
  claiming = true;
  /** The sessions that it works on. */
  readonly working = new Set<string>();

  constructor(private readonly onHeld: (pod: string) => void) {}

  /** Lets all sessions go on that stand still. */
  letGo(): void {
    for (const trail of this.byId.values()) trail.letGo();
  }

  /** Whether the broker has done all that it was doing. */
  get quiet(): boolean {
    return this.working.size === 0 && [...this.byId.values()].every(({ quiet }) => quiet);
  }

  /** A session's ticket names the step to hold it at. */
  begin({ id, request, pin }: Step['session']): void {
    const pod = pin?.podName ?? '';
    const trail = new StepTrail(request.ticket, () => this.onHeld(pod));
    this.byId.set(id, trail);
    this.byPod.set(pod, trail);
  }

  of(id: string): StepTrail {
    const trail = this.byId.get(id);
    if (!trail) throw new Error(`the session ${id} was asked for elsewhere`);
    return trail;
  }

  at({ containerName }: Place): StepTrail {
    // The containers of extensions have a number after it.
    const [id = ''] = containerName.slice(CONTAINER_PREFIX.length).split('-');
    return this.of(id);
  }

  stepsAt(pod: string): string[] {
    return this.byPod.get(pod)?.steps ?? [];
  }
}

export function trackedStore(inner: SessionStore, trails: Trails): SessionStore {
  return replacing(inner, {
    write: (step) => {
      if (step.from === 'new') trails.begin(step.session);
      const how = typeof step.data?.['how'] === 'string' ? ` ${step.data['how']}` : '';
      const trail = trails.of(step.session.id);
      return trail.change(`write ${step.event}${how}`, () => inner.write(step));
    },
    claim: async (lease, room) => {
      const found = trails.claiming ? await inner.claim(lease, room) : [];
      const claimed = found.filter(({ session }) => {
        const trail = trails.of(session.id);
        void trail.pass(`after claim of ${session.state}`);
        return !trail.held;
      });
      for (const { session } of claimed) trails.working.add(session.id);
      return claimed;
    },
    // A timer calls it, in whatever situation.
    renew: (id, lease) => trails.of(id).through('renew', () => inner.renew(id, lease)),
    release: async (args) => {
      const trail = trails.of(args.id);
      await trail.through(trail.here('release'), () => inner.release(args));
      trails.working.delete(args.id);
    },
  });
}

/** @param lost the endings that vanish on their way: they are told as done, and nothing reaches the container. */
export function trackedClusters(
  inner: Clusters,
  trails: Trails,
  lost: ReadonlySet<Ending>,
): Clusters {
  return replacing(inner, {
    add: (place, container) =>
      trails.at(place).change(named('cluster.add', place), () => inner.add(place, container)),
    observe: (place) => {
      const trail = trails.at(place);
      return trail.through(trail.here(named('cluster.observe', place)), () => inner.observe(place));
    },
    follow: async function* (place, signal) {
      const trail = trails.at(place);
      const step = trail.here(named('cluster.follow', place));
      await trail.pass(`before ${step}`);
      for await (const seen of inner.follow(place, signal)) {
        await trail.pass(`after ${step}`);
        yield seen;
      }
    },
    writeLine: (place) =>
      trails
        .at(place)
        .change(named('cluster.writeLine', place), async () =>
          lost.has('line') ? 'done' : inner.writeLine(place),
        ),
    run: (place, command) => {
      // [shell, '-c', script, what it is]
      const what = command[3] ?? '';
      const isLost = ENDINGS.some((ending) => ending === what && lost.has(ending));
      return trails
        .at(place)
        .change(named(`cluster.run ${what}`, place), async () =>
          isLost ? { exitCode: 0 } : inner.run(place, command),
        );
    },
    evict: (place) => trails.at(place).change('cluster.evict', () => inner.evict(place)),
  });
}

/** A call that is about the container of an extension says of which. */
function named(call: string, { containerName }: Place): string {
  const nth = containerName.slice(CONTAINER_PREFIX.length).split('-')[1];
  return nth === undefined ? call : `${call} in ${nth}`;
}
