import { randomBytes, randomUUID } from 'node:crypto';
import { wireTime, type KubeObject } from './kube.object.js';
import type { ObjectStore } from './object.store.js';

export interface Happening {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  component: string;
  /** `spec.containers{app}`, `spec.ephemeralContainers{dbg}` */
  fieldPath?: string;
  host?: string;
}

/** Writes core/v1 Events; the same thing happening again raises the count of the event there is. */
export class EventRecorder {
  /** Names of the events there are, by what makes two happenings the same. */
  readonly #names = new Map<string, string>();

  constructor(
    private readonly store: ObjectStore,
    private readonly now: () => Date,
  ) {}

  record(about: KubeObject, happening: Happening): void {
    const namespace = about.metadata.namespace;
    if (
      namespace === undefined ||
      this.store.get('namespaces', undefined, namespace) === undefined
    ) {
      return;
    }
    const time = wireTime(this.now());
    const { type, reason, message, component, fieldPath, host } = happening;
    const { uid } = about.metadata;
    const sameness = [uid, reason, message, fieldPath].join('\n');
    const known = this.#names.get(sameness);
    const same = known === undefined ? undefined : this.store.get('events', namespace, known);
    if (same !== undefined) {
      const count = Number(same['count'] ?? 1) + 1;
      this.store.put('events', { ...same, count, lastTimestamp: time });
      return;
    }
    const name = `${about.metadata.name}.${randomBytes(8).toString('hex')}`;
    this.#names.set(sameness, name);
    this.store.put('events', {
      kind: 'Event',
      apiVersion: 'v1',
      metadata: {
        name,
        namespace,
        uid: randomUUID(),
        resourceVersion: '',
        creationTimestamp: time,
      },
      involvedObject: {
        kind: about.kind,
        namespace,
        name: about.metadata.name,
        uid,
        apiVersion: about.apiVersion,
        resourceVersion: about.metadata.resourceVersion,
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      reason,
      message,
      source: { component, ...(host === undefined ? {} : { host }) },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type,
      eventTime: null,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
  }
}
