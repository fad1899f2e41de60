import type { Problem } from '../../domain/problem.js';
import type { EphemeralContainerSpec } from '../../domain/session/debug-container.js';
import type { Observation } from '../../domain/session/observation.js';
import type { FoundNamespace, FoundTarget } from '../../domain/policy/facts.js';
import type { Person } from '../../domain/person.js';
import type { Pin, SessionId, Target } from '../../domain/session/session.js';

/** For whom a call is made: clusters may be told, so that their own audit logs name the human. */
export interface OnBehalf {
  readonly person: Person;
  readonly session: SessionId;
}

/** Where one session's container is, or is to be. */
export interface Place {
  readonly cluster: string;
  readonly namespace: string;
  readonly pin: Pin;
  readonly containerName: string;
  /** Absent: the broker acts for itself. */
  readonly onBehalf?: OnBehalf;
}

/**
 * The Pod that was meant, and what policy may look at; of the namespace alone where there is no such Pod. `unfit` says
 * why no debug container can be added, to nobody whom policy would refuse.
 */
export type ResolvedTarget =
  | { readonly pin: Pin; readonly facts: FoundTarget; readonly unfit: Problem | null }
  | { readonly pin: null; readonly facts: FoundNamespace; readonly unfit: Problem };

/**
 * What the broker can do in the clusters, as few verbs as the product needs. Every call is bounded in time and answers
 * with a {@link Problem} where the cluster refuses or cannot be reached; bugs are thrown. No verb speaks of HTTP or of
 * credentials, so that an agent which dials out of a cluster can carry them (docs/adr/0016-clusters-side-by-side.md).
 */
export abstract class Clusters {
  /** The names of the clusters in the configuration, and the namespaces (globs) that may be touched there. */
  abstract list(): readonly { readonly name: string; readonly namespaces: readonly string[] }[];

  /**
   * Finds the Pod that is meant, if it is there, and checks what the API server would accept and never run: a finished,
   * terminating or unscheduled Pod, a mirror Pod, a missing target container, a Windows node (measured:
   * test/kubernetes-1.36/patch/pod-completed.json). A namespace that may not be touched is a problem at once, and so is
   * one that cannot be read now.
   */
  abstract resolve(args: {
    readonly cluster: string;
    readonly namespace: string;
    readonly target: Target;
    readonly container?: string;
  }): Promise<ResolvedTarget | Problem>;

  /**
   * Checks again that the pinned Pod can take the container, then adds it. Sending the same twice is a no-op
   * (measured: test/kubernetes-1.36/patch/same-again.json). `definite` in a refusal says that the API server itself
   * said no to this very patch, or that it was not sent, and that the session had no container of that name before: none
   * of it runs, nor can later.
   */
  abstract add(
    place: Place,
    container: EphemeralContainerSpec,
  ): Promise<'added' | { readonly refused: Problem; readonly definite: boolean }>;

  /** Reads the container's state now. */
  abstract observe(place: Place): Promise<Observation | Problem>;

  /**
   * The container's states as they change, first the present one, until `signal` aborts. Made of a watch and, because
   * a watch may go silent, a read now and then; survives 410, resets and the API server's time-outs by itself.
   */
  abstract follow(place: Place, signal: AbortSignal): AsyncIterable<Observation>;

  /** Writes a line to the standard input of the container's main process (attach). */
  abstract writeLine(place: Place): Promise<'done' | Problem>;

  /** Runs a command in the container (exec) to its end and gives its exit code. Output is dropped. */
  abstract run(
    place: Place,
    command: readonly string[],
  ): Promise<{ readonly exitCode: number } | Problem>;

  /** Evicts the Pod, respecting disruption budgets (policy/v1 Eviction, pinned by uid). */
  abstract evict(place: Place): Promise<'done' | Problem>;
}
