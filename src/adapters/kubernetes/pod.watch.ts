import type { RequestContext, ResponseContext } from '@kubernetes/client-node';
import type { ApiFailure } from './api.failure.js';
import { isApiFailure } from './api.failure.js';
import type { ClusterConnection } from './cluster.connection.js';
import { WatchLine } from './kubernetes.documents.js';
import { refusal } from './resilient.http.js';
import { wasNotSent } from './retry.policy.js';

/** The API server ends a watch after so long, by our own wish: before any idle limit on the way does. */
const WATCH_SECONDS = 240;
const OPEN_MS = 5_000;
/** A Pod is at most 3 MiB; a line beyond this is no Pod. */
const LINE_CHARACTERS_MAX = 8 * 1024 * 1024;

/** Why a watch is over. `expired`: its resourceVersion is too old (410), so read first and watch from there. */
export type WatchEnd = 'ended' | 'expired' | ApiFailure;

/**
 * Watches one Pod from a resourceVersion on, until the server ends it or `signal` aborts. `onLine` is told each change
 * and each bookmark; a 410 comes inside a 200 (measured: test/kubernetes-1.36/watch/too-old.json). Leaves no connection
 * behind.
 */
export async function watchPod(args: {
  readonly connection: ClusterConnection;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: Exclude<WatchLine, { type: 'ERROR' }>) => void;
}): Promise<WatchEnd> {
  const { connection, namespace, name, resourceVersion, signal, onLine } = args;
  const query = new URLSearchParams({
    watch: 'true',
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
    allowWatchBookmarks: 'true',
    timeoutSeconds: String(WATCH_SECONDS),
  });
  const request = await connection.request(
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?${query.toString()}`,
    'watches',
  );
  if (isApiFailure(request)) return request;

  // Aborted in the end whatever happens: it is what gives the connection back.
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const response = await open(connection, request, over);
    if (response.httpStatusCode !== 200) {
      return refusal({
        httpStatus: response.httpStatusCode,
        retryAfter: response.headers['retry-after'],
        body: await response.body.text(),
      });
    }
    for await (const text of lines(response)) {
      const line = WatchLine.parse(JSON.parse(text));
      if (line.type !== 'ERROR') onLine(line);
      else if (line.object.code === 410) return 'expired';
      else
        return refusal({
          httpStatus: line.object.code ?? 500,
          retryAfter: undefined,
          body: JSON.stringify(line.object),
        });
    }
    return 'ended';
  } catch (cause) {
    return signal.aborted ? 'ended' : { failure: 'silent', definite: wasNotSent(cause), cause };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

async function open(
  { calls }: ClusterConnection,
  request: RequestContext,
  over: AbortController,
): Promise<ResponseContext> {
  request.setSignal(over.signal);
  const tooLate = setTimeout(() => over.abort(new Error('no answer to a watch in time')), OPEN_MS);
  try {
    return await calls.open(request);
  } finally {
    clearTimeout(tooLate);
  }
}

async function* lines(response: ResponseContext): AsyncGenerator<string> {
  const stream = response.body.stream();
  if (!stream) return;
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > LINE_CHARACTERS_MAX) throw new Error('a line of a watch without end');
    for (const part of parts) if (part.trim() !== '') yield part;
  }
}
