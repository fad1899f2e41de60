import { randomBytes, randomInt } from 'node:crypto';
import { defaultPullPolicy } from './ephemeral.container.js';
import type { Container, PodSpec } from './pod.schema.js';

/** The random ending of generated names: five characters that spell no words (apimachinery util/rand). */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
export function nameSuffix(length = 5): string {
  return Array.from({ length }, () => nameAlphabet.charAt(randomInt(nameAlphabet.length))).join('');
}

export function containerIdentifier(): string {
  return randomBytes(32).toString('hex');
}

const accountMount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Defaults and the service account's volume, as on a recorded Pod (measured: get/pod.json). */
export function defaultPodSpec(spec: PodSpec, mountToken: boolean): PodSpec {
  const account = spec.serviceAccountName || 'default';
  const volume = `kube-api-access-${nameSuffix()}`;
  const withDefaults = (container: Container): Container => ({
    ...container,
    resources: container.resources ?? {},
    ...(mountToken && !container.volumeMounts?.some((m) => m.mountPath === accountMount)
      ? {
          volumeMounts: [
            ...(container.volumeMounts ?? []),
            { name: volume, readOnly: true, mountPath: accountMount },
          ],
        }
      : {}),
    terminationMessagePath: container['terminationMessagePath'] ?? '/dev/termination-log',
    terminationMessagePolicy: container.terminationMessagePolicy ?? 'File',
    imagePullPolicy: container.imagePullPolicy ?? defaultPullPolicy(container.image ?? ''),
  });
  return {
    ...spec,
    ...(mountToken ? { volumes: [...(spec.volumes ?? []), accountVolume(volume)] } : {}),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(withDefaults) } : {}),
    containers: spec.containers.map(withDefaults),
    restartPolicy: spec.restartPolicy ?? 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec['dnsPolicy'] ?? 'ClusterFirst',
    serviceAccountName: account,
    serviceAccount: account,
    securityContext: spec.securityContext ?? {},
    schedulerName: spec['schedulerName'] ?? 'default-scheduler',
    tolerations: [
      ...(Array.isArray(spec['tolerations']) ? (spec['tolerations'] as unknown[]) : []),
      ...['not-ready', 'unreachable'].map((condition) => ({
        key: `node.kubernetes.io/${condition}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
    ],
    priority: 0,
    enableServiceLinks: spec['enableServiceLinks'] ?? true,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

function accountVolume(name: string) {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [
              {
                path: 'namespace',
                fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
              },
            ],
          },
        },
        {
          configMap: {
            name: 'openshift-service-ca.crt',
            items: [{ key: 'service-ca.crt', path: 'service-ca.crt' }],
          },
        },
      ],
      defaultMode: 420,
    },
  };
}

/** QoS class from requests and limits, as far as the stand-in reads resources: cpu and memory of every container. */
export function qosClass(spec: PodSpec): string {
  const sets = [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => ({
    limits: entries(resources?.['limits']),
    requests: entries(resources?.['requests']),
  }));
  if (sets.every((s) => s.limits.size === 0 && s.requests.size === 0)) return 'BestEffort';
  const guaranteed = sets.every(({ limits, requests }) =>
    ['cpu', 'memory'].every(
      (name) =>
        limits.has(name) && (!requests.has(name) || requests.get(name) === limits.get(name)),
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function entries(value: unknown): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).map(([name, amount]) => [name, String(amount)]));
}
