import { apiVersionOf, resources, subresources } from './resource.catalog.js';

/**
 * Discovery in the unaggregated form, shaped as recorded (test/kubernetes-1.36/get/discovery-*.json) and holding
 * only what is served. kubectl asks for the aggregated form first and takes this one as the answer too.
 */
export function discoveryDocument(path: string, serverAddress: string): unknown {
  if (path === '/version') return version;
  if (path === '/api') {
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
    };
  }
  if (path === '/apis') {
    const names = [...new Set(resources.map((r) => r.group).filter((group) => group !== ''))];
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map(group) };
  }
  if (path === '/api/v1') return resourceList('');
  const match = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path);
  const named = resources.find((r) => r.group === match?.[1]);
  if (match === null || named === undefined) return undefined;
  if (match[2] === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...group(named.group) };
  return match[2] === named.version ? resourceList(named.group) : undefined;
}

const version = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26.10',
  compiler: 'gc',
  platform: 'linux/amd64',
};

function group(name: string) {
  const versions = [...new Set(resources.filter((r) => r.group === name).map((r) => r.version))];
  const listed = versions.map((v) => ({ groupVersion: `${name}/${v}`, version: v }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resourceList(groupName: string) {
  const rows = resources
    .filter((r) => r.group === groupName)
    .flatMap((r) => [
      {
        name: r.plural,
        singularName: r.singular,
        namespaced: r.namespaced,
        kind: r.kind,
        verbs: r.verbs,
        ...(r.shortNames ? { shortNames: r.shortNames } : {}),
        ...(r.categories ? { categories: r.categories } : {}),
        ...(r.storageVersionHash ? { storageVersionHash: r.storageVersionHash } : {}),
      },
      ...subresources
        .filter((sub) => sub.of === r.plural)
        .map((sub) => ({
          name: `${r.plural}/${sub.name}`,
          singularName: '',
          namespaced: r.namespaced,
          ...(sub.group ? { group: sub.group, version: sub.version } : {}),
          kind: sub.kind,
          verbs: sub.verbs,
        })),
    ]);
  const sample = resources.find((r) => r.group === groupName);
  return {
    kind: 'APIResourceList',
    // Only the groups under /apis carry it (measured: discovery-api-v1.json has none).
    ...(groupName === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: sample ? apiVersionOf(sample) : 'v1',
    resources: rows,
  };
}
