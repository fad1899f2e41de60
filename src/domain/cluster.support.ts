/** Ephemeral containers are there for good since 1.25; before, they were alpha, beta, and of another form. */
export const MINOR_MIN = 25;

/** What `/version` says. Some add a plus to the minor: `27+`. */
export interface ServerVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

/** NaN where it is no version. */
export function minorOf({ minor }: Pick<ServerVersion, 'minor'>): number {
  return Number.parseInt(minor, 10);
}

/** Whether it says of itself that it is too old. One that does not tell is not taken for old. */
export function isTooOld(version: ServerVersion): boolean {
  return Number(version.major) <= 1 && minorOf(version) < MINOR_MIN;
}

/** The subresources of Pods by their names, each with its verbs. */
export type PodSubresources = ReadonlyMap<string, readonly string[]>;

export function canAddContainers(subresources: PodSubresources): boolean {
  return subresources.get('ephemeralcontainers')?.includes('patch') ?? false;
}

/** Why no session can be had in such a cluster, as a sentence with what to do; null where one can. */
export function whyUnsupported(
  version: ServerVersion | undefined,
  subresources: PodSubresources | undefined,
): string | null {
  if (version && isTooOld(version)) {
    return `It is Kubernetes ${version.gitVersion}, and debug containers can be relied on from 1.${MINOR_MIN} on. Have it updated.`;
  }
  if (subresources && !canAddContainers(subresources)) {
    return 'Its API server has no "pods/ephemeralcontainers" that can be patched, so that no debug container can be added. Have the feature gate EphemeralContainers switched on, or what stands before the API server let it through.';
  }
  return null;
}
