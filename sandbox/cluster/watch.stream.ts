import type { ServerResponse } from 'node:http';
import type { StreamReply } from './api.exchange.js';
import type { Faults } from './faults.js';
import type { KubeObject } from './kube.object.js';
import { parseUintFailure, readSelectors, tooOld } from './list.reader.js';
import type { Change, ObjectStore, Plural } from './object.store.js';
import { isTrue } from './request.info.js';
import { apiVersionOf, type Resource } from './resource.catalog.js';
import type { Predicate } from './selectors.js';
import { isRefusal, refuse, type Refusal } from './status.objects.js';

export interface WatchRequest {
  store: ObjectStore;
  faults: Faults;
  resource: Resource;
  plural: Plural;
  namespace: string | undefined;
  query: URLSearchParams;
  url: string;
  bookmarkMs: number;
  /** How an object is shown: as itself, or as a row of a Table. */
  show: (object: KubeObject) => unknown;
}

/**
 * JSON of the objects last told, made once for all watchers: stored objects never change. Few are kept, because a Pod with
 * a thousand containers is half a megabyte of text.
 */
const texts = new Map<object, string>();
const textsMax = 32;
function textOf(shown: unknown): string {
  if (typeof shown !== 'object' || shown === null) return JSON.stringify(shown);
  const known = texts.get(shown);
  if (known !== undefined) return known;
  const text = JSON.stringify(shown);
  texts.set(shown, text);
  const oldest = texts.keys().next();
  if (texts.size > textsMax && oldest.done !== true) texts.delete(oldest.value);
  return text;
}

/** A watch: one JSON document a line (measured: test/kubernetes-1.36/watch). */
export function openWatch(request: WatchRequest): StreamReply | Refusal {
  const { plural, query } = request;
  const matches = readSelectors(plural, query);
  if (isRefusal(matches)) return matches;
  const asked = query.get('resourceVersion') ?? '';
  const initial = query.get('sendInitialEvents');
  const wantsInitial = isTrue(initial);
  if (initial !== null && query.get('resourceVersionMatch') !== 'NotOlderThan') {
    return refuse({
      code: 422,
      reason: 'Invalid',
      message:
        'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      details: { group: 'meta.k8s.io', kind: 'ListOptions' },
    });
  }
  if (asked !== '' && !/^\d+$/.test(asked)) {
    return refuse({
      code: 500,
      message: `resourceVersion: Invalid value: ${JSON.stringify(asked)}: ${parseUintFailure(asked)}`,
    });
  }
  const from = Number(asked || '0');
  return {
    headers: { 'content-type': 'application/json' },
    write: (response, gone) =>
      new Promise((resolve) => {
        const stream = new WatchStream(request, matches, response, resolve);
        gone.addEventListener('abort', () => stream.end(), { once: true });
        stream.begin(from, wantsInitial || (from === 0 && initial === null));
      }),
  };
}

class WatchStream {
  readonly #timers: NodeJS.Timeout[] = [];
  #unsubscribe: () => void = () => undefined;
  #ended = false;
  #silent = false;

  constructor(
    private readonly request: WatchRequest,
    private readonly matches: Predicate,
    private readonly response: ServerResponse,
    private readonly over: () => void,
  ) {}

  begin(from: number, withState: boolean): void {
    const { store, faults, plural, namespace, query, url, bookmarkMs } = this.request;
    this.#silent = faults.strikeRequest(['silent-watch'], 'GET', url) !== undefined;
    const cut = faults.strikeRequest(['cut-watch', 'expire-watch'], 'GET', url);
    if (cut !== undefined) {
      this.#after(cut.afterMs, () => {
        if (cut.kind === 'cut-watch') this.response.destroy();
        else this.#expire(store.version);
        this.end();
      });
    }
    const timeoutSeconds = Number(query.get('timeoutSeconds') ?? '0');
    if (timeoutSeconds > 0) this.#after(timeoutSeconds * 1000, () => this.end());
    // Sent at once: a client waits for the headers before it trusts the watch.
    this.response.flushHeaders();
    const bookmarks = isTrue(query.get('allowWatchBookmarks'));
    if (withState) {
      for (const object of store.list(plural, namespace)) {
        if (this.matches(object)) this.#send('ADDED', object);
      }
      if (query.get('sendInitialEvents') !== null && bookmarks) {
        this.#bookmark(store.version, true);
      }
    } else {
      const missed = store.since(from);
      if (missed === undefined) {
        this.#expire(from);
        this.end();
        return;
      }
      for (const change of missed) this.#tell(change);
    }
    this.#unsubscribe = store.subscribe((change) => {
      if (change.version > from) this.#tell(change);
    });
    if (bookmarks) {
      const timer = setInterval(() => this.#bookmark(store.version, false), bookmarkMs);
      this.#timers.push(timer);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
    this.response.end();
    this.over();
  }

  /** An object that comes to match is ADDED to this watcher, one that ceases to is DELETED. */
  #tell({ type, resource, object, previous }: Change): void {
    const { plural, namespace } = this.request;
    if (resource !== plural) return;
    if (namespace !== undefined && object.metadata.namespace !== namespace) return;
    const before = previous !== undefined && this.matches(previous);
    const after = type !== 'DELETED' && this.matches(object);
    if (after) this.#send(before ? 'MODIFIED' : 'ADDED', object);
    else if (before) this.#send('DELETED', object);
  }

  #send(type: string, object: KubeObject): void {
    this.#line(`{"type":"${type}","object":${textOf(this.request.show(object))}}\n`);
  }

  #bookmark(version: number, endsInitial: boolean): void {
    const { resource } = this.request;
    const isPod = resource.plural === 'pods';
    const object = {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(version),
        ...(endsInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
      ...(isPod ? { spec: { containers: null }, status: {} } : {}),
    };
    this.#line(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #expire(version: number): void {
    const { body } = tooOld(version, this.request.store);
    this.#line(`${JSON.stringify({ type: 'ERROR', object: body })}\n`);
  }

  #line(text: string): void {
    if (!this.#ended && !this.#silent) this.response.write(text);
  }

  #after(ms: number, act: () => void): void {
    // Node takes at most 2^31-1; a watch that long is as good as endless.
    this.#timers.push(setTimeout(act, Math.min(ms, 2 ** 31 - 1)));
  }
}
