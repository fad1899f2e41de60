import { DebugByKubectl } from './debug-by-kubectl.js';
import type { EnterSession } from './enter-session.js';
import { ForwardPorts } from './forward-ports.js';
import type { GatherFacts } from './gather-facts.js';
import { IssueKubeconfig } from './issue-kubeconfig.js';
import type { LiveStreams } from './live-streams.js';
import { OpenSideStream } from './open-side-stream.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';
import type { Clusters } from './ports/cluster.js';
import type { ClusterPods } from './ports/cluster.pods.js';
import type { KubeNames } from './ports/kube.names.js';
import type { KubeTokens } from './ports/kube.tokens.js';
import type { PolicySource } from './ports/policy.source.js';
import type { Presence } from './ports/presence.js';
import type { Recorder } from './ports/recorder.js';
import type { SessionStore } from './ports/session.store.js';
import type { Tracer } from './ports/tracer.js';
import { ReadLogs } from './read-logs.js';
import type { RequestSession } from './request-session.js';
import { UseByKubectl } from './use-by-kubectl.js';

/** All that kubectl can do, as use cases. */
export interface KubectlUses {
  readonly issueKubeconfig: IssueKubeconfig;
  readonly useByKubectl: UseByKubectl;
  readonly debugByKubectl: DebugByKubectl;
  readonly readLogs: ReadLogs;
  readonly forwardPorts: ForwardPorts;
  readonly tokens: KubeTokens;
}

/** Makes them of what they need of the world. */
export function kubectlUses(ports: {
  readonly store: SessionStore;
  readonly clusters: Clusters;
  readonly pods: ClusterPods;
  readonly enter: EnterSession;
  readonly live: LiveStreams;
  readonly recorder: Recorder;
  readonly presence: Presence;
  readonly audit: AuditLog;
  readonly tokens: KubeTokens;
  readonly names: KubeNames;
  readonly policies: PolicySource;
  readonly facts: GatherFacts;
  readonly asking: RequestSession;
  readonly clock: Clock;
  readonly tracer?: Tracer;
}): KubectlUses {
  const side = new OpenSideStream(ports);
  return {
    issueKubeconfig: new IssueKubeconfig(ports),
    useByKubectl: new UseByKubectl(ports),
    debugByKubectl: new DebugByKubectl(ports),
    readLogs: new ReadLogs({ ...ports, side }),
    forwardPorts: new ForwardPorts({ ...ports, side }),
    tokens: ports.tokens,
  };
}
