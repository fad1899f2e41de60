import type { KubeObject } from './kube.object.js';
import { key } from './kube.object.js';
import { isObject } from './json.value.js';
import type { ObjectStore, Plural } from './object.store.js';
import { apiVersionOf, type Resource } from './resource.catalog.js';
import { parseFieldSelector, parseLabelSelector, type Predicate } from './selectors.js';
import { badRequest, isRefusal, refuse, type Refusal } from './status.objects.js';
import { wait } from './timings.js';

export interface ListRequest {
  store: ObjectStore;
  resource: Resource;
  plural: Plural;
  namespace: string | undefined;
  query: URLSearchParams;
  futureVersionMs: number;
  signal: AbortSignal;
}

export interface ListDocument {
  kind: string;
  apiVersion: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: unknown[];
}

/** The label and field selectors of a query, as one predicate. */
export function readSelectors(resource: string, query: URLSearchParams): Predicate | Refusal {
  const labels = parseLabelSelector(query.get('labelSelector'));
  if (isRefusal(labels)) return labels;
  const fields = parseFieldSelector(resource, query.get('fieldSelector'));
  if (isRefusal(fields)) return fields;
  return (object) => labels(object) && fields(object);
}

/** A list, with limit, continue and the resourceVersion semantics measured in test/kubernetes-1.36/get. */
export async function readList(request: ListRequest): Promise<ListDocument | Refusal> {
  const { store, resource, plural, namespace, query } = request;
  const matches = readSelectors(plural, query);
  if (isRefusal(matches)) return matches;
  const limit = Number(query.get('limit') ?? '0');
  const token = query.get('continue');
  const resumed = token === null || token === '' ? undefined : decodeContinue(token);
  if (isRefusal(resumed)) return resumed;
  const version = resumed ? resumed.version : await readVersion(request);
  if (isRefusal(version)) return version;
  const objects = store.listAt(plural, version);
  if (objects === undefined) return resumed ? continueTooOld() : tooOld(version, store);
  const prefix = namespace === undefined ? '' : `${namespace}/`;
  const all = objects.filter(
    (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) && matches(object),
  );
  const rest = resumed ? all.filter((object) => startKey(object, prefix) >= resumed.start) : all;
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const remaining = rest.length - page.length;
  const last = page[page.length - 1];
  const filtered =
    (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== '';
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      ...(remaining > 0 && last !== undefined
        ? {
            continue: encodeContinue(version, `${startKey(last, prefix)}\u0000`),
            // With a selector the server does not know how many of the rest will match.
            ...(filtered ? {} : { remainingItemCount: remaining }),
          }
        : {}),
    },
    items: page.map(withoutType),
  };
}

/** Items of a list carry no kind and apiVersion of their own (measured: get/list-limit.json). */
function withoutType(object: KubeObject): unknown {
  return Object.fromEntries(
    Object.entries(object).filter(([name]) => name !== 'kind' && name !== 'apiVersion'),
  );
}

async function readVersion(request: ListRequest): Promise<number | Refusal> {
  const { store, query } = request;
  const asked = query.get('resourceVersion');
  const match = query.get('resourceVersionMatch');
  if (asked === null || asked === '' || asked === '0') return store.version;
  if (!/^\d+$/.test(asked)) {
    return badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(asked)}: ${parseUintFailure(asked)}`,
    );
  }
  const version = Number(asked);
  if (version > store.version) {
    await wait(request.futureVersionMs, request.signal);
    if (version > store.version) {
      return refuse({
        code: 504,
        reason: 'Timeout',
        message: `Timeout: Too large resource version: ${asked}, current: ${store.version}`,
        details: {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
      });
    }
  }
  return match === 'Exact' ? version : store.version;
}

export function parseUintFailure(text: string): string {
  return `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
}

export function tooOld(version: number, store: ObjectStore): Refusal {
  return refuse({
    code: 410,
    reason: 'Expired',
    message: `too old resource version: ${version} (${store.compactedVersion})`,
  });
}

function continueTooOld(): Refusal {
  return refuse({
    code: 410,
    reason: 'Expired',
    message:
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
  });
}

function startKey(object: KubeObject, prefix: string): string {
  return `/${key(object.metadata.namespace, object.metadata.name).slice(prefix.length)}`;
}

function encodeContinue(version: number, start: string): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start });
  return Buffer.from(text).toString('base64url');
}

function decodeContinue(token: string): { version: number; start: string } | Refusal {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (isObject(value) && typeof value['rv'] === 'number' && typeof value['start'] === 'string') {
      return { version: value['rv'], start: value['start'] };
    }
  } catch {
    // falls through to the refusal: whatever it is, it is not one of our tokens
  }
  return badRequest('continue key is not valid: not a token of this server');
}
