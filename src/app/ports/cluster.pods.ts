import type { Problem } from '../../domain/problem.js';
import type { OnBehalf } from './cluster.js';
import type { Pin } from '../../domain/session/session.js';

/** Plain JSON, as it came. */
export type Json = Readonly<Record<string, unknown>>;

/** A Pod as Kubernetes has it (core/v1). What nobody here looks at is kept as it came. */
export interface PodJson extends Json {
  readonly metadata: Json & { readonly name: string; readonly uid: string };
  readonly spec: Json & {
    readonly containers: readonly NamedJson[];
    readonly initContainers?: readonly NamedJson[] | null | undefined;
    readonly ephemeralContainers?: readonly NamedJson[] | null | undefined;
  };
  readonly status?: Json | null | undefined;
}

export type NamedJson = Json & { readonly name: string };

/** A Pod that a session was granted, whichever container of it. */
export interface PodPlace {
  readonly cluster: string;
  readonly namespace: string;
  readonly pin: Pin;
  /** Absent: the broker acts for itself. */
  readonly onBehalf?: OnBehalf;
}

/** Which part of a container's log is meant (core/v1 PodLogOptions). */
export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339. */
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

/** Bytes both ways on a connection that speaks a protocol of its own. Who is slow, slows the other down. */
export interface ByteTunnel {
  /** The headers of the answer that accepted the upgrade. */
  readonly headers: Readonly<Record<string, string>>;
  /** To be read once; ends when the other side ends it. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more; `false` where it takes nothing any more. */
  write(data: Uint8Array): Promise<boolean>;
  closeInput(): void;
  /** Cuts the connection at once. */
  close(): void;
}

/**
 * What passes through the broker of a Pod besides the streams into a session's container: its document, its logs, its
 * ports. Read with the broker's own account; who may have it is decided before.
 */
export abstract class ClusterPods {
  /** The Pod of that name as it is now; `target-not-found` where there is none that the broker may touch. */
  abstract read(at: {
    readonly cluster: string;
    readonly namespace: string;
    readonly pod: string;
  }): Promise<PodJson | Problem>;

  /** A container's log, as bytes, until it ends or `signal` aborts. Nothing is read ahead of who reads. */
  abstract logs(
    place: PodPlace,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | Problem>;

  /** Asks the cluster for its `portforward` of the Pod, upgraded as `headers` say. */
  abstract forward(
    place: PodPlace,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<ByteTunnel | Problem>;
}
