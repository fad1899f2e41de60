import { z } from 'zod';
import { dnsLabel } from '../../contract/text.schema.js';
import { said } from './modal.parts.js';
import type { SlackForm } from './slack.payloads.js';

/** Where a form looks for workloads and Pods: what is known of that. */
export interface FormPlace {
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
}

const Kept = z.object({ cluster: z.string().optional(), namespace: z.string().optional() });
const label = dnsLabel();

/**
 * A place as the metadata of a form. What Slack sends of a form while somebody searches in it does not say what its
 * fields hold by then: its metadata does, which follow the fields.
 */
export function placeText({ cluster, namespace }: FormPlace): string {
  return JSON.stringify({ cluster, namespace });
}

/** Never throws. */
export function placeIn({ private_metadata: text }: SlackForm): FormPlace {
  try {
    const value: unknown = JSON.parse(text);
    return Kept.safeParse(value).data ?? {};
  } catch {
    return {};
  }
}

/** What the fields say, where Slack says what they hold: when one of them changes, and when the form is sent. */
export function placeTyped(form: SlackForm, clusters: readonly string[]): FormPlace {
  const namespace = label.safeParse(said(form, 'namespace')).data;
  return { cluster: said(form, 'cluster') ?? only(clusters), namespace };
}

/**
 * Where and for what somebody searches: a part of a name in the place of the form, or `[CLUSTER/]NAMESPACE/` before it.
 * `elsewhere` is that, where it was written and is another place than the form's.
 */
export function searchOf(
  text: string,
  place: FormPlace,
  clusters: readonly string[],
):
  | {
      readonly cluster: string;
      readonly namespace: string;
      readonly part: string;
      readonly elsewhere: readonly string[];
    }
  | undefined {
  const parts = text.trim().toLowerCase().split('/');
  if (parts.length > 3) return undefined;
  const [part = '', written, writtenCluster] = parts.toReversed();
  const cluster = writtenCluster ?? place.cluster ?? only(clusters);
  const namespace = written ?? place.namespace;
  if (cluster === undefined || !clusters.includes(cluster)) return undefined;
  if (!label.safeParse(namespace).success || namespace === undefined) return undefined;
  const isHere = namespace === place.namespace;
  const isThere = cluster === (place.cluster ?? only(clusters));
  const elsewhere = isThere ? (isHere ? [] : [namespace]) : [cluster, namespace];
  return { cluster, namespace, part, elsewhere };
}

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
