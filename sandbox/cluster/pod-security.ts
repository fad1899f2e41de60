import type { Container, Pod, SecurityContext } from './pod.schema.js';
import { forbidden, notSupported, type Refusal } from './status.objects.js';

/**
 * Pod Security Admission in `enforce` mode, for the namespace label `pod-security.kubernetes.io/enforce`.
 * Wordings and order as in pod-security-admission (measured: patch/pod-security-denied.json). Fields whose checks are
 * not written here make the answer 501, never a silent "allowed".
 */
const enforceLabel = 'pod-security.kubernetes.io/enforce';
const versionLabel = 'pod-security.kubernetes.io/enforce-version';

interface Finding {
  reason: string;
  detail: string;
}
type Check = (pod: Pod) => Finding | undefined;

export function checkPodSecurity(
  labels: Readonly<Record<string, string>> | null | undefined,
  pod: Pod,
): Refusal | undefined {
  const level = labels?.[enforceLabel] ?? 'privileged';
  if (level === 'privileged') return undefined;
  const version = labels?.[versionLabel] ?? 'latest';
  if (version !== 'latest') return notSupported(`${versionLabel} "${version}"`);
  const checks = level === 'baseline' ? baseline : level === 'restricted' ? restricted : undefined;
  if (checks === undefined) return notSupported(`${enforceLabel} "${level}"`);
  const unclaimed = fieldsNotChecked(pod);
  if (unclaimed !== undefined) return notSupported(`Pod Security checks of ${unclaimed}`);
  const findings = checks.map((check) => check(pod)).filter((f) => f !== undefined);
  if (findings.length === 0) return undefined;
  const text = findings.map(({ reason, detail }) => `${reason} (${detail})`).join(', ');
  return forbidden(
    { group: '', resource: 'pods', name: pod.metadata.name },
    `violates PodSecurity "${level}:latest": ${text}`,
  );
}

const hostNamespaces: Check = ({ spec }) => {
  const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((f) => spec[f] === true);
  return used.length === 0
    ? undefined
    : { reason: 'host namespaces', detail: used.map((f) => `${f}=true`).join(', ') };
};

const hostPath: Check = ({ spec }) => {
  const names = (spec.volumes ?? []).filter((v) => v['hostPath'] !== undefined).map((v) => v.name);
  return names.length === 0
    ? undefined
    : { reason: 'hostPath volumes', detail: `${plural('volume', names)} ${quoted(names)}` };
};

const privileged: Check = (pod) =>
  inContainers(pod, (c) => c.securityContext?.privileged === true, {
    reason: 'privileged',
    says: 'must not set securityContext.privileged=true',
  });

const defaultCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const capabilitiesBaseline: Check = (pod) => {
  const bad = addedOutside(pod, defaultCapabilities);
  return bad.names.length === 0
    ? undefined
    : { reason: 'non-default capabilities', detail: mustNotInclude(bad) };
};

const seccompBaseline: Check = (pod) => {
  const unconfined = (sc: SecurityContext | null | undefined) =>
    sc?.seccompProfile?.type === 'Unconfined';
  const names = containersOf(pod)
    .filter((c) => unconfined(c.securityContext))
    .map((c) => c.name);
  const setters = [
    ...(unconfined(pod.spec.securityContext) ? ['pod'] : []),
    ...(names.length ? [`${plural('container', names)} ${quoted(names)}`] : []),
  ];
  return setters.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `${setters.join(' and ')} must not set securityContext.seccompProfile.type to "Unconfined"`,
      };
};

const escalation: Check = (pod) =>
  inContainers(pod, (c) => c.securityContext?.allowPrivilegeEscalation !== false, {
    reason: 'allowPrivilegeEscalation != false',
    says: 'must set securityContext.allowPrivilegeEscalation=false',
  });

const capabilitiesRestricted: Check = (pod) => {
  const notDropping = containersOf(pod)
    .filter((c) => !(c.securityContext?.capabilities?.drop ?? []).includes('ALL'))
    .map((c) => c.name);
  const bad = addedOutside(pod, new Set(['NET_BIND_SERVICE']));
  const details = [
    ...(notDropping.length
      ? [
          `${plural('container', notDropping)} ${quoted(notDropping)} must set securityContext.capabilities.drop=["ALL"]`,
        ]
      : []),
    ...(bad.names.length ? [mustNotInclude(bad)] : []),
  ];
  return details.length === 0
    ? undefined
    : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};

const restrictedVolumeTypes = new Set([
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

const volumeTypes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).flatMap((volume) => {
    const type = Object.keys(volume).find((field) => !restrictedVolumeTypes.has(field));
    return type === undefined ? [] : [{ name: volume.name, type }];
  });
  if (bad.length === 0) return undefined;
  const names = bad.map((b) => b.name);
  const types = [...new Set(bad.map((b) => b.type))];
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', names)} ${quoted(names)} ${names.length > 1 ? 'use' : 'uses'} restricted volume ${plural('type', types)} ${quoted(types)}`,
  };
};

const runAsNonRoot: Check = (pod) => {
  const forPod = pod.spec.securityContext?.runAsNonRoot;
  const explicit = containersOf(pod).filter((c) => c.securityContext?.runAsNonRoot === false);
  if (explicit.length > 0 || forPod === false) {
    const names = explicit.map((c) => c.name);
    const setters = [
      ...(forPod === false ? ['pod'] : []),
      ...(names.length ? [`${plural('container', names)} ${quoted(names)}`] : []),
    ];
    return {
      reason: 'runAsNonRoot != true',
      detail: `${setters.join(' and ')} must not set securityContext.runAsNonRoot=false`,
    };
  }
  if (forPod === true) return undefined;
  const names = containersOf(pod)
    .filter((c) => c.securityContext?.runAsNonRoot !== true)
    .map((c) => c.name);
  return names.length === 0
    ? undefined
    : {
        reason: 'runAsNonRoot != true',
        detail: `pod or ${plural('container', names)} ${quoted(names)} must set securityContext.runAsNonRoot=true`,
      };
};

const runAsUser: Check = (pod) => {
  const names = containersOf(pod)
    .filter((c) => c.securityContext?.runAsUser === 0)
    .map((c) => c.name);
  const setters = [
    ...(pod.spec.securityContext?.runAsUser === 0 ? ['pod'] : []),
    ...(names.length ? [`${plural('container', names)} ${quoted(names)}`] : []),
  ];
  return setters.length === 0
    ? undefined
    : { reason: 'runAsUser=0', detail: `${setters.join(' and ')} must not set runAsUser=0` };
};

const seccompRestricted: Check = (pod) => {
  const unconfined = seccompBaseline(pod);
  if (unconfined !== undefined) return unconfined;
  if (pod.spec.securityContext?.seccompProfile !== undefined) return undefined;
  const names = containersOf(pod)
    .filter((c) => c.securityContext?.seccompProfile === undefined)
    .map((c) => c.name);
  return names.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `pod or ${plural('container', names)} ${quoted(names)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      };
};

const baseline: readonly Check[] = [
  capabilitiesBaseline,
  hostNamespaces,
  hostPath,
  privileged,
  seccompBaseline,
];
// The restricted level replaces the baseline's capabilities, volumes and seccomp checks by stricter ones.
const restricted: readonly Check[] = [
  hostNamespaces,
  privileged,
  escalation,
  capabilitiesRestricted,
  volumeTypes,
  runAsNonRoot,
  runAsUser,
  seccompRestricted,
];

function containersOf({ spec }: Pod): Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
}

function inContainers(
  pod: Pod,
  bad: (container: Container) => boolean,
  { reason, says }: { reason: string; says: string },
): Finding | undefined {
  const names = containersOf(pod)
    .filter(bad)
    .map((c) => c.name);
  return names.length === 0
    ? undefined
    : { reason, detail: `${plural('container', names)} ${quoted(names)} ${says}` };
}

interface Added {
  names: string[];
  capabilities: string[];
}

function addedOutside(pod: Pod, allowed: ReadonlySet<string>): Added {
  const names: string[] = [];
  const capabilities = new Set<string>();
  for (const container of containersOf(pod)) {
    const extra = (container.securityContext?.capabilities?.add ?? []).filter(
      (capability) => !allowed.has(capability),
    );
    if (extra.length > 0) names.push(container.name);
    extra.forEach((capability) => capabilities.add(capability));
  }
  return { names, capabilities: [...capabilities].sort() };
}

function mustNotInclude({ names, capabilities }: Added): string {
  return `${plural('container', names)} ${quoted(names)} must not include ${quoted(capabilities)} in securityContext.capabilities.add`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(', ');
}

function plural(word: string, of: readonly unknown[]): string {
  return of.length > 1 ? `${word}s` : word;
}

function fieldsNotChecked(pod: Pod): string | undefined {
  const contexts = [
    pod.spec.securityContext,
    ...containersOf(pod).map((container) => container.securityContext),
  ];
  return ['seLinuxOptions', 'windowsOptions', 'procMount', 'sysctls', 'appArmorProfile'].find(
    (field) => contexts.some((context) => context?.[field] !== undefined),
  );
}
