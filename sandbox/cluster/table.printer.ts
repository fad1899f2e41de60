import type { KubeObject } from './kube.object.js';
import type { Pod } from './pod.schema.js';
import type { ObjectStore, Plural } from './object.store.js';
import { resourceOf } from './resource.catalog.js';

/** kubectl asks for Tables to print; Pods get the real columns, everything else name and age. */
export function wantsTable(accept: string): boolean {
  return accept.split(',').some((part) => part.includes('as=Table') && part.includes('v=v1;'));
}

interface Column {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

function column(name: string, type = 'string', priority = 0): Column {
  return { name, type, format: name === 'Name' ? 'name' : '', description: name, priority };
}

const podColumns = [
  column('Name'),
  column('Ready'),
  column('Status'),
  column('Restarts'),
  column('Age'),
  column('IP', 'string', 1),
  column('Node', 'string', 1),
  column('Nominated Node', 'string', 1),
  column('Readiness Gates', 'string', 1),
];
const plainColumns = [column('Name'), column('Age')];

export interface TableParts {
  store: ObjectStore;
  plural: Plural;
  objects: readonly KubeObject[];
  /** Of the list; a Table of one object has its own. */
  metadata: Record<string, unknown>;
  now: Date;
}

export function printTable({ store, plural, objects, metadata, now }: TableParts): unknown {
  const isPods = plural === 'pods';
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: isPods ? podColumns : plainColumns,
    rows: objects.map((object) => {
      const { namespace, name } = object.metadata;
      const pod = isPods ? store.get('pods', namespace, name) : undefined;
      return {
        cells: pod ? podCells(pod, now) : [name, age(object, now)],
        object: {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: object.metadata,
        },
      };
    }),
  };
}

export function titleOf(plural: Plural): string {
  return resourceOf(plural).kind;
}

function podCells(pod: Pod, now: Date): unknown[] {
  const statuses = pod.status.containerStatuses ?? [];
  const ready = statuses.filter((s) => s.ready).length;
  const restarts = statuses.reduce((sum, s) => sum + s.restartCount, 0);
  return [
    pod.metadata.name,
    `${ready}/${pod.spec.containers.length}`,
    podReason(pod),
    String(restarts),
    age(pod, now),
    pod.status.podIP ?? '<none>',
    pod.spec.nodeName ?? '<none>',
    '<none>',
    '<none>',
  ];
}

function podReason(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const { state } of [...(pod.status.containerStatuses ?? [])].reverse()) {
    if (state.waiting !== undefined) return state.waiting.reason;
    if (state.terminated !== undefined) return state.terminated.reason;
  }
  return pod.status.phase;
}

function age(object: KubeObject, now: Date): string {
  const seconds = Math.max(
    0,
    Math.round((now.getTime() - Date.parse(object.metadata.creationTimestamp)) / 1000),
  );
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
