import { once } from 'node:events';
import { Clusters } from '../../app/ports/cluster.js';
import type { Place, ResolvedTarget } from '../../app/ports/cluster.js';
import type { ClusterTargets } from '../../app/ports/cluster.targets.js';
import type { Tracer } from '../../app/ports/tracer.js';
import { UNTRACED } from '../../app/ports/tracer.js';
import type { ClusterHealth } from '../../domain/cluster.health.js';
import { matchesAny } from '../../domain/policy/glob.js';
import type { Stopwatch } from '../../app/ports/stopwatch.js';
import type { Problem } from '../../domain/problem.js';
import { isProblem, problem } from '../../domain/problem.js';
import type { EphemeralContainerSpec } from '../../domain/session/debug-container.js';
import type { Observation } from '../../domain/session/observation.js';
import type { Target } from '../../domain/session/session.js';
import { isApiFailure } from './api.failure.js';
import { CallSpans } from './call.spans.js';
import { AskingLane } from './asking.lane.js';
import { ClusterConnection } from './cluster.connection.js';
import { awayProblem, unsupportedProblem } from './cluster.doors.js';
import { ClusterProber } from './cluster.prober.js';
import type { ProbeTimes } from './cluster.prober.js';
import type { ClusterLog, ClusterSettings } from './cluster.settings.js';
import { addContainer } from './container.adder.js';
import { followContainer, observeContainer } from './container.follower.js';
import { runCommand, writeLine } from './container.streams.js';
import { NamespaceReader } from './namespace.reader.js';
import { evictPod } from './pod.evictor.js';
import type { TookNote } from './resilient.http.js';
import { RETRY_LIMITS } from './retry.policy.js';
import type { RetryLimits } from './retry.policy.js';
import { problemOf } from './status.problems.js';
import { listTargets } from './target.lister.js';
import { noSuchTarget, resolveTarget, whatOf } from './target.resolver.js';

/**
 * The clusters of the configuration, by Kubernetes' own API. Connects to none of them before it is asked to, or to look
 * after them. Nothing that is done in one waits for another.
 */
export class KubernetesClusters extends Clusters {
  private readonly connections: ReadonlyMap<string, ClusterConnection>;
  private readonly lanes: ReadonlyMap<string, AskingLane>;
  private readonly probers: readonly ClusterProber[];
  private readonly settings: readonly ClusterSettings[];
  private readonly log: ClusterLog;
  private readonly namespaces: NamespaceReader;

  constructor(args: {
    readonly clusters: readonly ClusterSettings[];
    readonly log: ClusterLog;
    /** For tests and for clusters far away; the defaults suit the rest. */
    readonly limits?: Partial<RetryLimits>;
    /** Left out: nobody measures. */
    readonly stopwatch?: Stopwatch;
    /** Left out: nobody follows. */
    readonly tracer?: Tracer;
    readonly probes?: Partial<ProbeTimes>;
  }) {
    super();
    this.settings = args.clusters;
    this.log = args.log;
    this.namespaces = new NamespaceReader(args.log);
    const limits = { ...RETRY_LIMITS, ...args.limits };
    this.connections = new Map(
      args.clusters.map((one) => {
        const calls = new CallSpans(args.tracer ?? UNTRACED, one.name);
        const took: TookNote = (seconds, labels) =>
          args.stopwatch?.took('clusterRequest', seconds, { cluster: one.name, ...labels });
        return [one.name, new ClusterConnection(one, args.log, limits, { calls, took })];
      }),
    );
    this.lanes = new Map(args.clusters.map(({ name }) => [name, new AskingLane(name)]));
    this.probers = [...this.connections.values()].map(
      (it) => new ClusterProber(it, args.clusters.length, args.probes),
    );
  }

  /** Looks after each of them from now on, until it is closed. */
  watch(): void {
    for (const prober of this.probers) prober.start();
  }

  /** How each of them is, as far as this replica knows. */
  health(): readonly ClusterHealth[] {
    return [...this.connections.values()].map(({ health }) => health.state());
  }

  list(): readonly { readonly name: string; readonly namespaces: readonly string[] }[] {
    return this.settings.map(({ name, namespaces }) => ({ name, namespaces }));
  }

  async resolve(args: {
    readonly cluster: string;
    readonly namespace: string;
    readonly target: Target;
    readonly container?: string;
  }): Promise<ResolvedTarget | Problem> {
    const { cluster, namespace, target, container } = args;
    const connection = this.connections.get(cluster);
    if (!connection || !mayTouch(connection, namespace)) {
      return noSuchTarget({ cluster, namespace, what: whatOf(target) });
    }
    const { namespaces } = this;
    const found = await this.asking(connection, () =>
      resolveTarget({ connection, namespace, target, container, namespaces }),
    );
    if (!isProblem(found) && found.unfit) this.told(found.unfit);
    return this.told(found);
  }

  async targets(at: {
    readonly cluster: string;
    readonly namespace: string;
  }): ReturnType<ClusterTargets['targets']> {
    const { cluster, namespace } = at;
    const connection = this.connections.get(cluster);
    if (!connection || !mayTouch(connection, namespace)) {
      return noSuchTarget({ cluster, namespace, what: 'namespace' });
    }
    const { namespaces } = this;
    return this.told(
      await this.asking(connection, () => listTargets({ connection, namespace, namespaces })),
    );
  }

  async add(
    place: Place,
    container: EphemeralContainerSpec,
  ): Promise<'added' | { readonly refused: Problem; readonly definite: boolean }> {
    const connection = this.connectionOf(place);
    if (isProblem(connection)) return { refused: connection, definite: true };
    if (!mayTouch(connection, place.namespace)) {
      const what = `Pod "${place.pin.podName}"`;
      return { refused: noSuchTarget({ ...place, what }), definite: true };
    }
    const answer = await addContainer(connection, place, container);
    if (answer !== 'added') this.told(answer.refused);
    return answer;
  }

  async observe(place: Place): Promise<Observation | Problem> {
    const connection = this.connectionOf(place);
    if (isProblem(connection)) return connection;
    const seen = await observeContainer(connection, place);
    if (!isApiFailure(seen)) return seen;
    const what = `Pod "${place.pin.podName}"`;
    return this.told(problemOf(seen, { ...place, what, act: 'reading' }));
  }

  async *follow(place: Place, signal: AbortSignal): AsyncGenerator<Observation> {
    const connection = this.connectionOf(place);
    if (isProblem(connection)) {
      // A cluster that left the configuration while its sessions live: there is nothing to see.
      if (!signal.aborted) await once(signal, 'abort');
      return;
    }
    yield* followContainer({ connection, place, signal, log: this.log });
  }

  async writeLine(place: Place): Promise<'done' | Problem> {
    const connection = this.connectionOf(place);
    return isProblem(connection) ? connection : writeLine(connection, place);
  }

  async run(
    place: Place,
    command: readonly string[],
  ): Promise<{ readonly exitCode: number } | Problem> {
    const connection = this.connectionOf(place);
    return isProblem(connection) ? connection : runCommand(connection, place, command);
  }

  async evict(place: Place): Promise<'done' | Problem> {
    const connection = this.connectionOf(place);
    return isProblem(connection) ? connection : this.told(await evictPod(connection, place));
  }

  /** The connection to a cluster, where the namespace is one that may be touched there; undefined otherwise. */
  connectionFor(cluster: string, namespace: string): ClusterConnection | undefined {
    const connection = this.connections.get(cluster);
    return connection && mayTouch(connection, namespace) ? connection : undefined;
  }

  /** Cuts all connections; for the end of the program. Every call after it fails. */
  async close(): Promise<void> {
    await Promise.all(this.probers.map((prober) => prober.stop()));
    await Promise.all([...this.connections.values()].map((connection) => connection.close()));
  }

  /** For what else passes through this cluster; a problem where it left the configuration. */
  connectionOf({ cluster }: Place): ClusterConnection | Problem {
    return (
      this.connections.get(cluster) ??
      problem(
        'cluster-unavailable',
        `Cluster "${cluster}" is no longer in Hallpass's configuration. Tell its operators: sessions there cannot be looked after.`,
      )
    );
  }

  /** What people ask of a cluster: not where it is in vain, nor where too much waits for it. Ending never comes by here. */
  private async asking<T>(
    connection: ClusterConnection,
    question: () => Promise<T | Problem>,
  ): Promise<T | Problem> {
    const { settings, health } = connection;
    const { name } = settings;
    if (health.isAway) await connection.refresh();
    const state = health.state();
    if (health.isAway) return awayProblem(state, new Date());
    if (state.unsupported !== null) return unsupportedProblem(name, state.unsupported);
    return (this.lanes.get(name) ?? new AskingLane(name)).through(question);
  }

  /** What the operators alone can mend is written to their log, whoever asked. */
  told<T>(answer: T | Problem): T | Problem {
    if (isProblem(answer) && answer.problem === 'cluster-unauthorized') {
      this.log.error(
        { problem: answer.problem, err: answer.cause },
        'a cluster does not let the broker do its work',
      );
    }
    return answer;
  }
}

function mayTouch({ settings }: ClusterConnection, namespace: string): boolean {
  return matchesAny(settings.namespaces, namespace);
}
