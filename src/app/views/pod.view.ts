import { containerNameOf } from '../../domain/session/session.life.js';
import type { Session } from '../../domain/session/session.js';
import type { Json, NamedJson, PodJson } from '../ports/cluster.pods.js';

/** What stands in the place of a value that is not shown. */
export const MASKED = '(masked by Hallpass)';

/** kubectl enters this container where it is told no other. */
export const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/**
 * The Pod as its session's requester sees it: whole, but without what tends to hold secrets and is of no use for
 * debugging: values of environment variables and of HTTP headers, annotations (a manifest as applied is one), and
 * managed fields. Plain `kubectl exec` of it reaches the session's container, which is shown from the moment on at which
 * it is asked for.
 */
export function podView(pod: PodJson, session: Session): PodJson {
  return withOurs(masked(pod, { [DEFAULT_CONTAINER]: containerNameOf(session) }), session);
}

/** The same without a session's container in it. */
export function masked(pod: PodJson, annotations: Readonly<Record<string, string>>): PodJson {
  const { managedFields: _, ...metadata } = pod.metadata;
  return {
    ...pod,
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { ...metadata, name: pod.metadata.name, uid: pod.metadata.uid, annotations },
    spec: {
      ...(hidden(pod.spec) as Json),
      containers: pod.spec.containers.map(hiddenIn),
      ...(pod.spec.initContainers ? { initContainers: pod.spec.initContainers.map(hiddenIn) } : {}),
      ...(pod.spec.ephemeralContainers
        ? { ephemeralContainers: pod.spec.ephemeralContainers.map(hiddenIn) }
        : {}),
    },
  };
}

function withOurs(pod: PodJson, session: Session): PodJson {
  const name = containerNameOf(session);
  const there = pod.spec.ephemeralContainers ?? [];
  if (there.some((one) => one.name === name)) return pod;
  const ours = { name, image: session.grant?.profile.image ?? '', stdin: true };
  return { ...pod, spec: { ...pod.spec, ephemeralContainers: [...there, ours] } };
}

function hiddenIn(container: NamedJson): NamedJson {
  return { ...(hidden(container) as Json), name: container.name };
}

/** Members under which there are lists of a name and a value. */
const LISTS = new Set(['env', 'httpHeaders']);

function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]): [string, unknown] => [
      name,
      LISTS.has(name) && Array.isArray(member) ? member.map(withoutValue) : hidden(member),
    ]),
  );
}

function withoutValue(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || !('value' in item)) return item;
  return { ...item, value: MASKED };
}
