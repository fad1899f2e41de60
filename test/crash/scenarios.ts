import { type ApiClient, ApiRefusal } from '../../sandbox/broker/api.client.js';
import type { Surroundings } from '../../sandbox/broker/broker.config.js';
import type { Fault } from '../../sandbox/cluster/faults.js';
import type { StandInCluster } from '../../sandbox/cluster/stand-in.cluster.js';
import type { EndReason } from '../../src/domain/session/session.machine.js';
import type { Ending } from '../../src/domain/session/session.plan.js';
import { processesOf } from './evidence.js';
import type { Evidence } from './evidence.js';

/** What a scenario's people have to act with. */
export interface Stage {
  readonly id: string;
  readonly requester: ApiClient;
  readonly approver: ApiClient;
  /** Whether the broker of the first time died: then they wish for the same at once, whatever has become of it. */
  readonly again: boolean;
  /** Waits until that can be seen from outside. */
  readonly until: (holds: (evidence: Evidence) => boolean) => Promise<void>;
}

/** A way for a session to live and end. */
export interface Scenario {
  readonly namespace: 'staging' | 'payments';
  readonly profile: 'shell' | 'evictable' | 'unpullable';
  readonly durationSeconds: number;
  readonly sessions?: Surroundings['sessions'];
  /** Endings that do not get through while the first broker lives. */
  readonly lost?: readonly Ending[];
  readonly fault?: (cluster: StandInCluster, podName: string) => Fault;
  /** What people do after asking. May be done again from the start. */
  readonly act?: (stage: Stage) => Promise<void>;
  /** The call up to which it goes as another scenario, where those steps are visited. */
  readonly from?: string;
  /** The reasons that it may truly end for, wherever the broker is killed. */
  readonly endsFor: readonly EndReason[];
  /** Calls after each of which the broker must have been killed: else the scenario is not the one that it says. */
  readonly calls: readonly string[];
}

const LONG_SECONDS = 300;
/** Past that step, or done as often as may be. */
const NOT_NEEDED: ReadonlySet<number> = new Set([409, 403]);
const RUNNING_OR_OVER: ReadonlySet<string> = new Set(['active', 'ending', 'ended']);
/** By its requester; withdrawn where the broker had died before it ran. */
const ENDED_EARLY = ['left', 'withdrawn'] as const;

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'lives to its deadline': {
    namespace: 'staging',
    profile: 'shell',
    durationSeconds: 4,
    endsFor: ['deadline'],
    calls: [
      'write grant',
      'claim of approved',
      'write start',
      'cluster.add',
      'cluster.follow',
      'write run',
      'cluster.run probe',
      'write note',
      'release',
      'claim of active',
      'write expire',
    ],
  },
  'is ended early by its requester': {
    namespace: 'staging',
    profile: 'shell',
    durationSeconds: LONG_SECONDS,
    act: endEarly,
    endsFor: ENDED_EARLY,
    calls: [
      'write leave',
      'claim of ending',
      'cluster.writeLine',
      'cluster.observe',
      'write finish',
    ],
  },
  'is ended by KILL, as line and TERM are lost': {
    namespace: 'staging',
    profile: 'shell',
    durationSeconds: LONG_SECONDS,
    lost: ['line', 'term'],
    act: endEarly,
    from: 'cluster.writeLine',
    endsFor: ENDED_EARLY,
    calls: [
      'write escalate term',
      'cluster.run term',
      'write escalate kill',
      'cluster.run kill',
      'write finish',
    ],
  },
  'is ended by eviction, as nothing else gets through': {
    namespace: 'staging',
    profile: 'evictable',
    durationSeconds: LONG_SECONDS,
    sessions: { overrunSeconds: 1 },
    lost: ['line', 'term', 'kill'],
    act: endEarly,
    from: 'cluster.writeLine',
    endsFor: ENDED_EARLY,
    calls: ['write overrun', 'write escalate evict', 'cluster.evict', 'write finish'],
  },
  'is extended, and moves to another container': {
    namespace: 'staging',
    profile: 'shell',
    durationSeconds: LONG_SECONDS,
    act: extendThenEnd,
    from: 'write extend',
    endsFor: ENDED_EARLY,
    calls: [
      'write extend',
      'claim of active',
      'cluster.add in 2',
      'cluster.follow in 2',
      'write move',
      'cluster.writeLine',
      'write retire',
      'write leave',
      'cluster.writeLine in 2',
      'write finish',
    ],
  },
  'cannot start, as its image cannot be pulled': {
    namespace: 'staging',
    profile: 'unpullable',
    durationSeconds: LONG_SECONDS,
    sessions: { startDeadlineSeconds: 3 },
    endsFor: ['start-failed'],
    calls: ['write fail', 'cluster.observe', 'write finish'],
  },
  'cannot start, as the cluster refuses the container': {
    namespace: 'staging',
    profile: 'shell',
    durationSeconds: LONG_SECONDS,
    sessions: { startDeadlineSeconds: 3 },
    fault: (cluster, podName) =>
      cluster.faults.add({
        match: { method: 'PATCH', path: new RegExp(`/pods/${podName}/ephemeralcontainers`) },
        effect: { kind: 'refuse', status: 403, message: 'no debug containers here' },
      }),
    endsFor: ['start-failed'],
    calls: ['cluster.add', 'write reject'],
  },
  'is approved, and revoked while it starts': {
    namespace: 'payments',
    profile: 'shell',
    durationSeconds: LONG_SECONDS,
    fault: (cluster, podName) =>
      cluster.faults.add({
        match: { pod: podName, container: /^hallpass-/ },
        effect: { kind: 'slow-start', delayMs: 1_500 },
      }),
    async act({ id, approver, again, until }) {
      const seen = await approver.session(id);
      if (seen.state === 'pending') await approver.decide(seen, 'approve');
      if (!again) await until(({ pod }) => pod?.spec.ephemeralContainers !== undefined);
      await wish(approver, id, 'revoke');
    },
    endsFor: ['revoked'],
    calls: [
      'write ask',
      'write approve',
      'write start',
      'write revoke',
      'claim of ending',
      'cluster.writeLine',
      'write finish',
    ],
  },
};

async function extendThenEnd({ id, requester, again, until }: Stage): Promise<void> {
  await until(
    ({
      stored: {
        sessions: [session],
        events,
      },
    }) =>
      again
        ? session !== undefined && RUNNING_OR_OVER.has(session.state)
        : events.at(-1)?.event === 'note' && session?.leased === false,
  );
  await wish(requester, id, 'extend', { durationSeconds: 2 * LONG_SECONDS });
  await until(
    ({
      stored: {
        sessions: [session],
        events,
      },
    }) => session?.state !== 'active' || events.some(({ event }) => event === 'retire'),
  );
  await wish(requester, id, 'end');
}

async function endEarly({ id, requester, again, until }: Stage): Promise<void> {
  if (!again) {
    // Until the broker has nothing to do with it: then the steps that follow are the same each time.
    await until(
      ({ stored: { sessions, events } }) =>
        events.at(-1)?.event === 'note' && sessions[0]?.leased === false,
    );
    if (processesOf(id).length === 0) throw new Error('a container that runs is not found');
  }
  await wish(requester, id, 'end');
}

/** What is on its way to its end already needs nobody's word. */
async function wish(
  person: ApiClient,
  id: string,
  action: 'extend' | 'end' | 'revoke',
  body?: object,
): Promise<void> {
  try {
    await person.act(id, action, body);
  } catch (error) {
    if (!(error instanceof ApiRefusal && NOT_NEEDED.has(error.answer.status))) throw error;
  }
}
