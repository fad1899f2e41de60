/** When a right is needed: by every installation, or by those whose policies and people use what it is for. */
export const RIGHT_SETS = ['always', 'evict', 'logs', 'portforward'] as const;
export type RightSet = (typeof RIGHT_SETS)[number];

/** One thing that the broker's account may do in a cluster, as RBAC has it. */
export interface ClusterRight {
  readonly verb: 'get' | 'list' | 'watch' | 'patch' | 'create';
  readonly group: '' | 'apps' | 'batch';
  readonly resource: string;
  readonly subresource: string;
  readonly set: RightSet;
  /** What it is used for. */
  readonly why: string;
  /** What happens where it is missing. */
  readonly without: string;
}

const right = (
  set: RightSet,
  [verb, path, group = '']: readonly [ClusterRight['verb'], string, ClusterRight['group']?],
  { why, without }: Pick<ClusterRight, 'why' | 'without'>,
): ClusterRight => {
  const [resource = '', subresource = ''] = path.split('/');
  return { verb, group, resource, subresource, set, why, without };
};

const UPGRADE = 'The same, asked for in addition to `get` by Kubernetes 1.35 and later';
const workload = (kind: string, resource: string, group: 'apps' | 'batch'): ClusterRight =>
  right('always', ['get', resource, group], {
    why: `Finds the Pods of a ${kind}, by its selector.`,
    without: `A request for a ${kind} is refused as \`cluster-unauthorized\`; Pods can be asked for by their names.`,
  });

/**
 * All that the broker's account needs, and all that `deploy/` gives it: no secrets, no nodes, no creating, changing or
 * deleting of Pods or workloads.
 */
export const CLUSTER_RIGHTS: readonly ClusterRight[] = [
  right('always', ['get', 'pods'], {
    why: 'Checks the Pod before the container is added, and reads whether the container has ended.',
    without: 'Nothing works: every request is refused as `cluster-unauthorized`.',
  }),
  right('always', ['list', 'pods'], {
    why: 'Finds the Pods of a workload, and those that people may choose from.',
    without: 'Requests for workloads, and the lists of targets, are refused.',
  }),
  right('always', ['watch', 'pods'], {
    why: 'Learns at once that the container runs, or that it has ended.',
    without:
      'It is read now and then instead, so that starts and ends are seen some seconds later.',
  }),
  right('always', ['patch', 'pods/ephemeralcontainers'], {
    why: 'Adds the debug container. Nothing else of a Pod can be changed through this.',
    without: 'No session starts.',
  }),
  right('always', ['get', 'pods/exec'], {
    why: 'Opens terminals and runs commands in the session’s container, and ends what does not end by itself. It is how the API server sees a WebSocket’s upgrade.',
    without:
      'Nobody gets in, and a container that does not end on its line is not ended before its deadline.',
  }),
  right('always', ['create', 'pods/exec'], {
    why: `${UPGRADE}.`,
    without: 'The same as without `get`, on those versions.',
  }),
  right('always', ['get', 'pods/attach'], {
    why: 'Ends a container early, by a line to its timer.',
    without:
      'Sessions are ended by a command in the container instead (`pods/exec`), one step later.',
  }),
  right('always', ['create', 'pods/attach'], {
    why: `${UPGRADE}.`,
    without: 'The same as without `get`, on those versions.',
  }),
  right('always', ['get', 'namespaces'], {
    why: 'Reads the labels and annotations that policies may look at: of the namespace that it is granted in, for a namespace counts as in itself.',
    without: 'They are unknown to policies, which grants nothing; the log says so once.',
  }),
  workload('Deployment', 'deployments', 'apps'),
  workload('StatefulSet', 'statefulsets', 'apps'),
  workload('DaemonSet', 'daemonsets', 'apps'),
  right('always', ['list', 'replicasets', 'apps'], {
    why: 'Tells a Deployment’s Pods from others with the same labels.',
    without: 'A request for a Deployment is refused as `cluster-unauthorized`.',
  }),
  workload('Job', 'jobs', 'batch'),
  right('evict', ['create', 'pods/eviction'], {
    why: 'Evicts the Pod of a session that does not end, as far as its disruption budget allows: for policies with `onOverrun: evict`.',
    without: 'Such a session stays an overrun that is alerted on, until its own timer ends it.',
  }),
  right('logs', ['get', 'pods/log'], {
    why: 'Reads a container’s log for the person whose session it is. The broker reads none for itself.',
    without: '`kubectl logs` in a session is refused.',
  }),
  right('portforward', ['get', 'pods/portforward'], {
    why: 'Forwards a port of the session’s Pod, for policies with `portForward: true`. It is how the API server sees a WebSocket’s upgrade: kubectl 1.31 and later.',
    without: '`kubectl port-forward` in a session is refused.',
  }),
  right('portforward', ['create', 'pods/portforward'], {
    why: 'An upgrade to SPDY, as older kubectl asks for; and in addition to `get` by Kubernetes 1.35 and later.',
    without: 'The same as without `get`, for those.',
  }),
];
