import type { ContainerRuntime } from '../runtime/container.runtime.js';
import type { AdmissionPolicies } from './admission.policies.js';
import type { Authenticator } from './authenticator.js';
import type { Authorizer } from './authorizer.js';
import type { Faults } from './faults.js';
import type { Kubelet } from './kubelet.js';
import type { KubeObject, ObjectMeta } from './kube.object.js';
import type { ObjectStore } from './object.store.js';
import type { RequestLog } from './request.log.js';
import type { Refusal } from './status.objects.js';
import type { Timings } from './timings.js';

/** What the API's handlers work with. */
export interface ClusterParts {
  store: ObjectStore;
  authenticator: Authenticator;
  authorizer: Authorizer;
  admission: AdmissionPolicies;
  kubelet: Kubelet;
  runtime: ContainerRuntime;
  faults: Faults;
  requests: RequestLog;
  timings: Timings;
  now: () => Date;
  /** A namespace and what every namespace has from the start: its default service account. */
  createNamespace: (metadata: ObjectMeta, dryRun: boolean) => KubeObject | Refusal;
}
