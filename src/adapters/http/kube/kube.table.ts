import type { Json, PodJson } from '../../../app/ports/cluster.pods.js';

/** Whether what is printed is asked for, and not what is worked with (kubectl get without -o). */
export function wantsTable(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((one) => one.includes('as=Table') && one.includes('v=v1;'));
}

const column = (name: string, priority = 0) => ({
  name,
  type: 'string',
  format: name === 'Name' ? 'name' : '',
  description: name,
  priority,
});

const COLUMNS = [
  column('Name'),
  column('Ready'),
  column('Status'),
  column('Restarts'),
  column('Age'),
  column('IP', 1),
  column('Node', 1),
];

/** Pods as a list, or as what is printed of it where that is asked for. */
export function podList(pods: readonly PodJson[], accept: string | undefined, now: Date): object {
  const resourceVersion = pods[0]?.metadata['resourceVersion'];
  const metadata = { resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '0' };
  return wantsTable(accept)
    ? podTable(pods, metadata, now)
    : { kind: 'PodList', apiVersion: 'v1', metadata, items: pods };
}

/** Pods as kubectl prints them (meta/v1 Table). */
export function podTable(pods: readonly PodJson[], metadata: Json, now: Date): object {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: COLUMNS,
    rows: pods.map((pod) => ({
      cells: cells(pod, now),
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: pod.metadata,
      },
    })),
  };
}

function cells({ metadata, spec, status }: PodJson, now: Date): string[] {
  const statuses = jsonList(status?.['containerStatuses']);
  const ready = statuses.filter((one) => one['ready'] === true).length;
  const restarts = statuses.reduce((sum, one) => sum + Number(one['restartCount'] ?? 0), 0);
  return [
    metadata.name,
    `${ready}/${spec.containers.length}`,
    reason(metadata, statuses, status?.['phase']),
    String(restarts),
    age(metadata['creationTimestamp'], now),
    text(status?.['podIP']),
    text(spec['nodeName']),
  ];
}

function reason(metadata: Json, statuses: readonly Json[], phase: unknown): string {
  if (typeof metadata['deletionTimestamp'] === 'string') return 'Terminating';
  for (const one of statuses.toReversed()) {
    const state = json(one['state']);
    const why = json(state['waiting'])['reason'] ?? json(state['terminated'])['reason'];
    if (typeof why === 'string') return why;
  }
  return text(phase);
}

/** As kubectl shortens it, roughly: seconds, minutes, hours, days. */
function age(since: unknown, now: Date): string {
  const seconds = Math.round((now.getTime() - Date.parse(String(since))) / 1000);
  if (!Number.isFinite(seconds)) return '<unknown>';
  if (seconds < 120) return `${Math.max(0, seconds)}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function text(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : '<none>';
}

function json(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function jsonList(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(json) : [];
}
