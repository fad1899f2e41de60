import { isObject } from './json.value.js';

/**
 * The fields of an EphemeralContainer in the order of Kubernetes' Go struct, with the name the internal type has:
 * what is not here is unknown to the server and dropped.
 */
const fields = [
  ['name', 'Name'],
  ['image', 'Image'],
  ['command', 'Command'],
  ['args', 'Args'],
  ['workingDir', 'WorkingDir'],
  ['ports', 'Ports'],
  ['envFrom', 'EnvFrom'],
  ['env', 'Env'],
  ['resources', 'Resources'],
  ['resizePolicy', 'ResizePolicy'],
  ['restartPolicy', 'RestartPolicy'],
  ['restartPolicyRules', 'RestartPolicyRules'],
  ['volumeMounts', 'VolumeMounts'],
  ['volumeDevices', 'VolumeDevices'],
  ['livenessProbe', 'LivenessProbe'],
  ['readinessProbe', 'ReadinessProbe'],
  ['startupProbe', 'StartupProbe'],
  ['lifecycle', 'Lifecycle'],
  ['terminationMessagePath', 'TerminationMessagePath'],
  ['terminationMessagePolicy', 'TerminationMessagePolicy'],
  ['imagePullPolicy', 'ImagePullPolicy'],
  ['securityContext', 'SecurityContext'],
  ['stdin', 'Stdin'],
  ['stdinOnce', 'StdinOnce'],
  ['tty', 'TTY'],
  ['targetContainerName', 'TargetContainerName'],
] as const;

const known: ReadonlySet<string> = new Set(fields.map(([json]) => json));
const knownInside: Readonly<Record<string, ReadonlySet<string>>> = {
  env: new Set(['name', 'value', 'valueFrom']),
  securityContext: new Set([
    'capabilities',
    'privileged',
    'seLinuxOptions',
    'windowsOptions',
    'runAsUser',
    'runAsGroup',
    'runAsNonRoot',
    'readOnlyRootFilesystem',
    'allowPrivilegeEscalation',
    'procMount',
    'seccompProfile',
    'appArmorProfile',
  ]),
  volumeMounts: new Set([
    'name',
    'readOnly',
    'recursiveReadOnly',
    'mountPath',
    'subPath',
    'mountPropagation',
    'subPathExpr',
  ]),
};

type Tree = Record<string, unknown>;

/** Paths of fields the server does not know, below `path`. */
export function unknownFields(container: unknown, path: string): string[] {
  if (!isObject(container)) return [];
  return Object.entries(container).flatMap(([name, value]) => {
    if (name.startsWith('$')) return [];
    if (!known.has(name)) return [`${path}.${name}`];
    const inside = knownInside[name];
    if (inside === undefined) return [];
    const items = Array.isArray(value) ? value : [value];
    return items.flatMap((item, i) =>
      isObject(item)
        ? Object.keys(item)
            .filter((field) => !field.startsWith('$') && !inside.has(field))
            .map((field) => `${path}.${name}${Array.isArray(value) ? `[${i}]` : ''}.${field}`)
        : [],
    );
  });
}

/** As the server stores it: known fields only, empty ones left out, defaults filled in. */
export function normalise(container: Tree): Tree {
  const image = typeof container['image'] === 'string' ? container['image'] : '';
  const filled: Tree = {
    ...container,
    resources: isObject(container['resources']) ? container['resources'] : {},
    terminationMessagePath: container['terminationMessagePath'] ?? '/dev/termination-log',
    terminationMessagePolicy: container['terminationMessagePolicy'] ?? 'File',
    imagePullPolicy: container['imagePullPolicy'] ?? defaultPullPolicy(image),
  };
  const stored: Tree = {};
  for (const [name] of fields) {
    const value = filled[name];
    if (isEmpty(value) && name !== 'name') continue;
    stored[name] = name === 'env' && Array.isArray(value) ? value.map(normaliseEnv) : value;
  }
  return stored;
}

function normaliseEnv(entry: unknown): unknown {
  if (!isObject(entry) || entry['value'] !== '') return entry;
  return Object.fromEntries(Object.entries(entry).filter(([name]) => name !== 'value'));
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** `Always` for :latest and for no tag at all, `IfNotPresent` otherwise. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

/** The container as apimachinery's dump prints Go's internal type; what `unifiedDiff` is given. */
export function goDump(container: Tree): string {
  const empty: Tree = {};
  for (const [json, go] of fields) {
    const value = container[json];
    empty[go] =
      value === undefined ? (zeroValues[json] ?? null) : capitalise(value, json === 'resources');
  }
  return JSON.stringify(empty, null, 1);
}

const zeroValues: Readonly<Record<string, unknown>> = {
  workingDir: '',
  image: '',
  resources: { Limits: null, Requests: null, Claims: null },
  stdin: false,
  stdinOnce: false,
  tty: false,
  targetContainerName: '',
};

function capitalise(value: unknown, isResources: boolean): unknown {
  if (isResources) return { Limits: null, Requests: null, Claims: null };
  if (Array.isArray(value)) return value.map((item) => capitalise(item, false));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.charAt(0).toUpperCase() + name.slice(1),
      capitalise(inner, false),
    ]),
  );
}
