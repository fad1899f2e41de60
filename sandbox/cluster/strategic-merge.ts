import { isObject } from './json.value.js';
import { badRequest, isRefusal, type Refusal } from './status.objects.js';

/** Lists of objects that merge by a key, by the path they are found at (`patchMergeKey` in k8s.io/api/core/v1). */
const mergeKeys: Readonly<Record<string, string>> = {
  'metadata.ownerReferences': 'uid',
  'spec.containers': 'name',
  'spec.initContainers': 'name',
  'spec.ephemeralContainers': 'name',
  'spec.volumes': 'name',
  'spec.imagePullSecrets': 'name',
  'spec.hostAliases': 'ip',
  'spec.topologySpreadConstraints': 'topologyKey',
};
const mergeKeysInContainer: Readonly<Record<string, string>> = {
  env: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
};

function mergeKeyAt(path: string): string | undefined {
  const inContainer = /^spec\.(?:containers|initContainers|ephemeralContainers)\.(\w+)$/.exec(path);
  return inContainer?.[1] === undefined ? mergeKeys[path] : mergeKeysInContainer[inContainer[1]];
}

type Tree = Record<string, unknown>;

/**
 * Kubernetes' strategic merge of a Pod patch: maps merge, lists named above merge by key, other lists are replaced,
 * null deletes. Without `$setElementOrder` new elements come first (measured: get/pod.json).
 */
export function strategicMerge(original: Tree, patch: Tree): Tree | Refusal {
  return mergeMap(original, patch, '');
}

function mergeMap(original: Tree, patch: Tree, path: string): Tree | Refusal {
  const directive = patch['$patch'];
  if (directive === 'replace') {
    return Object.fromEntries(Object.entries(patch).filter(([name]) => name !== '$patch'));
  }
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    return badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`);
  }
  const merged: Tree = { ...original };
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    const at = path ? `${path}.${name}` : name;
    if (value === null) {
      delete merged[name];
      continue;
    }
    const before = merged[name];
    if (isObject(value)) {
      const result = mergeMap(isObject(before) ? before : {}, value, at);
      if (isRefusal(result)) return result;
      merged[name] = result;
    } else if (Array.isArray(value) && mergeKeyAt(at) !== undefined) {
      const order = patch[`$setElementOrder/${name}`];
      const result = mergeList({
        original: Array.isArray(before) ? before : [],
        patch: value,
        order: Array.isArray(order) ? order : undefined,
        mergeKey: mergeKeyAt(at) ?? 'name',
        path: at,
      });
      if (isRefusal(result)) return result;
      merged[name] = result;
    } else merged[name] = value;
  }
  return merged;
}

interface ListMerge {
  original: unknown[];
  patch: unknown[];
  order: unknown[] | undefined;
  mergeKey: string;
  path: string;
}

function mergeList({ original, patch, order, mergeKey, path }: ListMerge): unknown[] | Refusal {
  const current = new Map<unknown, Tree>();
  for (const item of original) if (isObject(item)) current.set(item[mergeKey], item);
  const serverOrder = [...current.keys()];
  const patched: unknown[] = [];
  for (const item of patch) {
    if (!isObject(item)) {
      return badRequest(`cannot merge a list of primitives at ${path} with a list of maps`);
    }
    if (item['$patch'] === 'replace') {
      return patch.filter((other) => isObject(other) && other['$patch'] === undefined);
    }
    const at = item[mergeKey];
    if (at === undefined) {
      return badRequest(
        `map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`,
      );
    }
    if (item['$patch'] === 'delete') {
      current.delete(at);
      continue;
    }
    const result = mergeMap(current.get(at) ?? {}, item, path);
    if (isRefusal(result)) return result;
    current.set(at, result);
    patched.push(at);
  }
  const wanted = order?.map((item) => (isObject(item) ? item[mergeKey] : item)) ?? [
    ...new Set(patched),
  ];
  const first = wanted.filter((at) => current.has(at));
  const serverOnly = serverOrder.filter((at) => current.has(at) && !wanted.includes(at));
  return interleave(serverOnly, first, serverOrder).map((at) => current.get(at));
}

/** mergeSortedSlice of apimachinery's strategicpatch: what the patch names goes first unless the server had it later. */
function interleave(left: unknown[], right: unknown[], serverOrder: unknown[]): unknown[] {
  const merged: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const l = serverOrder.indexOf(left[i]);
    const r = serverOrder.indexOf(right[j]);
    const takeLeft = j >= right.length || (i < left.length && l >= 0 && r >= 0 && l < r);
    merged.push(takeLeft ? left[i++] : right[j++]);
  }
  return merged;
}
