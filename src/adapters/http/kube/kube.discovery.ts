/** A subresource of Pods that is served, with the verbs of it. */
interface Subresource {
  readonly name: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

const SUBRESOURCES: readonly Subresource[] = [
  { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch'] },
  { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { name: 'log', kind: 'Pod', verbs: ['get'] },
  { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
];

/**
 * What there is, in the unaggregated form, which kubectl takes as an answer to its question for the aggregated one: Pods
 * and nothing else. Undefined for what is no document of discovery.
 */
export function discoveryDocument(path: string): object | undefined {
  switch (path) {
    case 'api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    case 'apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };
    case 'api/v1':
      return { kind: 'APIResourceList', groupVersion: 'v1', resources: RESOURCES };
    case 'version':
      return VERSION;
    default:
      return undefined;
  }
}

const RESOURCES = [
  {
    name: 'pods',
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    verbs: ['get', 'list', 'watch'],
    shortNames: ['po'],
    categories: ['all'],
  },
  ...SUBRESOURCES.map(({ name, kind, verbs }) => ({
    name: `pods/${name}`,
    singularName: '',
    namespaced: true,
    kind,
    verbs,
  })),
];

/** The version whose wire behaviour this is (test/kubernetes-1.36). kubectl warns of a skew of more than one minor. */
const VERSION = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.0-hallpass',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
};
