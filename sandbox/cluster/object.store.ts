import type { KubeObject } from './kube.object.js';
import { key } from './kube.object.js';
import type { Pod } from './pod.schema.js';
import type { Binding, Role } from './rbac.schema.js';
import type { Budget, Workload } from './workload.schema.js';

/** What is stored, by the plural that names it. Plurals are unique among the groups served here. */
export interface Stored {
  namespaces: KubeObject;
  nodes: KubeObject;
  pods: Pod;
  serviceaccounts: KubeObject;
  events: KubeObject;
  deployments: Workload;
  statefulsets: Workload;
  daemonsets: Workload;
  replicasets: Workload;
  jobs: Workload;
  poddisruptionbudgets: Budget;
  roles: Role;
  clusterroles: Role;
  rolebindings: Binding;
  clusterrolebindings: Binding;
  validatingadmissionpolicies: KubeObject;
  validatingadmissionpolicybindings: KubeObject;
}
export type Plural = keyof Stored;

export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  resource: Plural;
  version: number;
  object: KubeObject;
  /** The object before this change; absent for ADDED. */
  previous?: KubeObject;
}

/** What `put` takes: an object whose resourceVersion the store is about to set. */
export type Unversioned<T extends KubeObject> = T;

/**
 * All objects of the cluster, with one global version for everything, as etcd has.
 * Remembers the last `historyMax` changes; a reader that wants an older one is told it is too old.
 * Writes are synchronous, so a read and the write that depends on it cannot be interleaved.
 */
export class ObjectStore {
  readonly #objects = new Map<Plural, Map<string, KubeObject>>();
  readonly #listeners = new Set<(change: Change) => void>();
  #history: Change[] = [];
  // A real server has written some hundreds of objects of its own before the first client comes.
  #version = 300;
  #compacted = 300;

  constructor(readonly historyMax = 5_000) {}

  get version(): number {
    return this.#version;
  }

  /** Changes up to and including this version are forgotten. */
  get compactedVersion(): number {
    return this.#compacted;
  }

  get<K extends Plural>(resource: K, namespace: string | undefined, name: string) {
    // The maps are only ever filled by put(), which is typed by resource.
    return this.#table(resource).get(key(namespace, name)) as Stored[K] | undefined;
  }

  /** Everything of one resource, in etcd's order (by namespace, then name). */
  list<K extends Plural>(resource: K, namespace?: string): Stored[K][] {
    const found: Stored[K][] = [];
    for (const object of this.#table(resource).values()) {
      if (namespace === undefined || object.metadata.namespace === namespace) {
        found.push(object as Stored[K]);
      }
    }
    return found.sort((a, b) => compare(etcdKey(a), etcdKey(b)));
  }

  /** The list as it was at a version, or `undefined` when that is compacted away. */
  listAt<K extends Plural>(resource: K, version: number): Stored[K][] | undefined {
    if (version < this.#compacted) return undefined;
    const objects = new Map<string, KubeObject>(this.#table(resource));
    for (let i = this.#history.length - 1; i >= 0; i--) {
      const change = this.#history[i];
      if (change === undefined || change.version <= version) break;
      if (change.resource !== resource) continue;
      const at = etcdKey(change.object);
      if (change.previous === undefined) objects.delete(at);
      else objects.set(at, change.previous);
    }
    return [...objects.values()]
      .map((object) => object as Stored[K])
      .sort((a, b) => compare(etcdKey(a), etcdKey(b)));
  }

  put<K extends Plural>(resource: K, object: Unversioned<Stored[K]>): Stored[K] {
    const version = ++this.#version;
    const stored: Stored[K] = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    };
    const table = this.#table(resource);
    const at = etcdKey(stored);
    const previous = table.get(at);
    table.set(at, stored);
    this.#record(
      previous === undefined
        ? { type: 'ADDED', resource, version, object: stored }
        : { type: 'MODIFIED', resource, version, object: stored, previous },
    );
    return stored;
  }

  delete<K extends Plural>(
    resource: K,
    namespace: string | undefined,
    name: string,
  ): Stored[K] | undefined {
    const table = this.#table(resource);
    const previous = table.get(key(namespace, name)) as Stored[K] | undefined;
    if (previous === undefined) return undefined;
    table.delete(key(namespace, name));
    const version = ++this.#version;
    const object: Stored[K] = {
      ...previous,
      metadata: { ...previous.metadata, resourceVersion: String(version) },
    };
    this.#record({ type: 'DELETED', resource, version, object, previous });
    return object;
  }

  /** Changes after a version, or `undefined` when some of them are forgotten. */
  since(version: number): Change[] | undefined {
    if (version < this.#compacted) return undefined;
    return this.#history.filter((change) => change.version > version);
  }

  /** Forgets all history, as etcd's compaction does: every older version becomes "too old". */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** Called after each change, in order. Returns the way to stop. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #table(resource: Plural): Map<string, KubeObject> {
    const known = this.#objects.get(resource);
    if (known !== undefined) return known;
    const table = new Map<string, KubeObject>();
    this.#objects.set(resource, table);
    return table;
  }

  #record(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > this.historyMax * 1.2) {
      const gone = this.#history.splice(0, this.#history.length - this.historyMax);
      this.#compacted = gone[gone.length - 1]?.version ?? this.#compacted;
    }
    for (const listener of [...this.#listeners]) listener(change);
  }
}

function etcdKey(object: KubeObject): string {
  return key(object.metadata.namespace, object.metadata.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
