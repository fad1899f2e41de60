import { randomUUID } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type pg from 'pg';
import type { Pod } from '../../sandbox/cluster/pod.schema.js';
import { uniqueName } from '../../sandbox/cluster/stand-in.cluster.js';
import type { BrokerLab } from '../support/broker.lab.js';
import { ALWAYS, broken, endedFor, type Evidence, gather, IN_THE_END } from './evidence.js';
import type { Scenario } from './scenarios.js';

/** The longest: a KILL that was written and not sent is due again 16 seconds after the ending began. */
const END_MS = 60_000;
const SEEN_MS = 60_000;
const LOOK_MS = 100;
/** How long a broker may take from a session's end to its last step. */
const LAST_STEP_MS = 2_000;
const TRIES_MAX = 3;
const NEVER = new AbortController().signal;

/** One session's life by a scenario, on a Pod of its own. */
export class Trial implements AsyncDisposable {
  private readonly key = randomUUID();

  private constructor(
    private readonly lab: BrokerLab,
    private readonly scenario: Scenario,
    private readonly superuser: pg.Pool,
    private readonly parts: {
      readonly podName: string;
      readonly holdAt: string | undefined;
      readonly opened: DisposableStack;
    },
  ) {}

  /** @param holdAt the step at which the first broker is to be killed. */
  static async prepare(
    lab: BrokerLab,
    scenario: Scenario,
    superuser: pg.Pool,
    holdAt?: string,
  ): Promise<Trial> {
    using opened = new DisposableStack();
    const { cluster } = lab.sandbox;
    const { namespace } = scenario;
    const podName = uniqueName('target');
    cluster.addPod({
      namespace,
      name: podName,
      image: 'docker.io/library/busybox:1',
      command: ['sleep', '3600'],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    opened.defer(() => cluster.deletePod(namespace, podName, 0));
    const fault = scenario.fault?.(cluster, podName);
    if (fault) opened.defer(() => void cluster.faults.remove(fault.id));
    await cluster.untilPod(namespace, podName, (pod) => pod?.status.phase === 'Running');
    return new Trial(lab, scenario, superuser, { podName, holdAt, opened: opened.move() });
  }

  get podName(): string {
    return this.parts.podName;
  }

  /** Asks, acts and waits for the end, all promises kept. */
  async live(url: string): Promise<void> {
    await this.play(url, { again: false, held: NEVER });
    await this.toTheEnd();
  }

  /** Asks and acts until the session stands still. Says whether it came to that. */
  async liveUntil(url: string, held: AbortSignal): Promise<boolean> {
    // A call that is not answered any more ends when the broker is killed.
    const played = this.play(url, { again: false, held }).then(
      () => after(LAST_STEP_MS, undefined, { signal: held }).catch(() => undefined),
      (error: unknown) => {
        if (!held.aborted) throw error;
      },
    );
    await Promise.race([played, aborted(held)]);
    return held.aborted;
  }

  /** Looks at what the killed broker left behind. */
  async lookAtRemains(): Promise<void> {
    this.mustKeep(await this.evidence(), ALWAYS);
  }

  /** Does the same again at another broker, which has to bring the session to its end. */
  async liveOn(url: string): Promise<void> {
    await this.play(url, { again: true, held: NEVER });
    await this.toTheEnd();
  }

  /** Waits until nothing of it runs; all promises kept still. */
  async mustBeOver(): Promise<void> {
    await this.until(({ pod }) => allTerminated(pod), NEVER);
    this.mustKeep(await this.evidence(), ALWAYS, IN_THE_END, endedFor(this.scenario.endsFor));
  }

  /** Plays it, from the start again where a connection broke: everything in it may be done twice. */
  private async play(url: string, how: { again: boolean; held: AbortSignal }): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.playOnce(url, how);
        return;
      } catch (error) {
        const isBroken = error instanceof TypeError && error.message === 'fetch failed';
        if (!isBroken || how.held.aborted || tries === TRIES_MAX) throw error;
      }
    }
  }

  private async playOnce(
    url: string,
    { again, held }: { again: boolean; held: AbortSignal },
  ): Promise<void> {
    const { namespace, profile, durationSeconds, act } = this.scenario;
    const { podName, holdAt } = this.parts;
    const [requester, approver] = await Promise.all([
      this.lab.as('requester', { url }),
      this.lab.as('approver', { url }),
    ]);
    const { id } = await requester.ask(
      {
        namespace,
        target: { pod: podName },
        profile,
        durationSeconds,
        reason: 'the broker will die',
        ...(holdAt === undefined ? {} : { ticket: holdAt }),
      },
      { 'idempotency-key': this.key },
    );
    await act?.({ id, requester, approver, again, until: (holds) => this.until(holds, held) });
    await requester.until(id, ['ended'], END_MS);
  }

  private async toTheEnd(): Promise<void> {
    await this.until(({ stored }) => stored.sessions[0]?.leased === false, NEVER);
    this.mustKeep(await this.evidence(), ALWAYS, IN_THE_END, endedFor(this.scenario.endsFor));
  }

  /** @throws Error where it does not come true in {@link SEEN_MS}, or before the session stands still. */
  private async until(holds: (evidence: Evidence) => boolean, held: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([held, AbortSignal.timeout(SEEN_MS)]);
    while (!holds(await this.evidence())) await after(LOOK_MS, undefined, { signal });
  }

  private evidence(): Promise<Evidence> {
    return gather({
      superuser: this.superuser,
      cluster: this.lab.sandbox.cluster,
      namespace: this.scenario.namespace,
      podName: this.podName,
    });
  }

  private mustKeep(evidence: Evidence, ...promises: Parameters<typeof broken>[0][]): void {
    const not = promises.flatMap((some) => broken(some, evidence));
    if (not.length === 0) return;
    const { stored, addedAt, pod, processes } = evidence;
    const containers = pod?.status.ephemeralContainerStatuses;
    throw new Error(
      `not true: ${not.join('; ')}. ${JSON.stringify({ stored, addedAt, containers, processes })}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.parts.opened.dispose();
    await this.lab.sandbox.cluster.untilPod(
      this.scenario.namespace,
      this.podName,
      (pod) => pod === undefined,
    );
  }
}

/** Whether each container that was added has run, and runs no more. */
function allTerminated(pod: Pod | undefined): boolean {
  const { ephemeralContainers = [] } = pod?.spec ?? {};
  const { ephemeralContainerStatuses = [] } = pod?.status ?? {};
  const ended = ephemeralContainerStatuses.filter(({ state }) => state.terminated);
  return ended.length === ephemeralContainers.length;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
