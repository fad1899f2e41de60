import { matchesAny } from '../policy/glob.js';
import type { NoticeKind } from './notice.kinds.js';
import { noticeRow } from './notice.kinds.js';

/** Which notices a channel is given. */
export interface Subscription {
  readonly channel: string;
  readonly events: readonly NoticeKind[];
  /** Patterns in which `*` stands for anything. */
  readonly clusters: readonly string[];
  readonly namespaces: readonly string[];
  /** Whether the ordinary life of sessions is told that policy alone let in. */
  readonly autoGranted: boolean;
}

/** Where something happened, and how its session was let in. */
export interface Whereabouts {
  readonly cluster: string | null;
  readonly namespace: string | null;
  readonly autoGranted: boolean;
}

/** Whether a subscription is for this. What happened in no cluster passes every pattern. */
export function wants(
  subscription: Subscription,
  kind: NoticeKind,
  { cluster, namespace, autoGranted }: Whereabouts,
): boolean {
  if (!subscription.events.includes(kind)) return false;
  if (autoGranted && noticeRow(kind).routine === true && !subscription.autoGranted) return false;
  return isIn(subscription, { cluster, namespace });
}

/** Whether a subscription is for what happens there. */
export function isIn(
  { clusters, namespaces }: Pick<Subscription, 'clusters' | 'namespaces'>,
  { cluster, namespace }: Pick<Whereabouts, 'cluster' | 'namespace'>,
): boolean {
  return (
    (cluster === null || matchesAny(clusters, cluster)) &&
    (namespace === null || matchesAny(namespaces, namespace))
  );
}
