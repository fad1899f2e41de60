import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** The broker's account, as the API server names it. */
export const ACCOUNT = 'system:serviceaccount:hallpass:hallpass';

const Recorded = z.object({
  request: z.object({ method: z.string(), path: z.string(), body: z.unknown().optional() }),
  // An upgrade that was granted has none.
  response: z.object({ status: z.int() }).default({ status: 101 }),
});
const ByKubectl = z.object({
  requests: z.array(
    z.object({
      method: z.string(),
      url: z.string(),
      status: z.int().optional(),
      answer: z.array(z.string()).default([]),
    }),
  ),
});

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
};

/** What an API server's audit log says of a request, as JSON; `over` replaces whole members. */
export function auditEntryOf(
  request: { method: string; path: string; status: number; body?: unknown },
  over: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const [, namespace = '', name = '', subresource = ''] =
    /\/namespaces\/([^/?]+)\/pods\/([^/?]+)(?:\/([^/?]+))?/.exec(request.path) ?? [];
  const at = new Date().toISOString().replace('Z', '123Z');
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Request',
    auditID: randomUUID(),
    stage: request.status === 101 ? 'ResponseStarted' : 'ResponseComplete',
    requestURI: request.path,
    verb: VERBS[request.method.split(' ')[0] ?? ''] ?? 'get',
    user: { username: 'mallory', groups: ['system:authenticated'] },
    sourceIPs: ['192.0.2.7'],
    userAgent: 'kubectl/v1.36.4',
    objectRef: { resource: 'pods', namespace, name, apiVersion: 'v1', subresource },
    responseStatus: { metadata: {}, code: request.status },
    ...(request.body === undefined ? {} : { requestObject: request.body }),
    requestReceivedTimestamp: at,
    stageTimestamp: at,
    ...over,
  };
}

/** The entry of a recorded request. */
export function recordedEntry(file: string, over: Readonly<Record<string, unknown>> = {}) {
  const { request, response } = Recorded.parse(read(file));
  return auditEntryOf({ ...request, status: response.status }, over);
}

/** Every request that was recorded with its answer, patches first: a container is added before it is entered. */
export function recordedRequests(): {
  readonly file: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body?: unknown;
}[] {
  const folder = new URL('../kubernetes-1.36/', import.meta.url).pathname;
  const files = globSync('**/*.json', { cwd: folder }).sort();
  const first = files.filter((file) => file.startsWith('patch/'));
  return [...new Set([...first, ...files])].flatMap((file) => {
    const byKubectl = ByKubectl.safeParse(read(file));
    if (byKubectl.success)
      return byKubectl.data.requests.map(({ method, url, status, answer }) => {
        const upgraded = Number(answer[0]?.split(' ')[1]);
        return { file, method, path: url, status: status ?? upgraded };
      });
    const { request, response, frames } = Recorded.extend({
      response: z.object({ status: z.int() }).optional(),
      frames: z.unknown().optional(),
    }).parse(read(file));
    // A watch has neither: it was answered as it went.
    return [{ ...request, file, status: response?.status ?? (frames === undefined ? 200 : 101) }];
  });
}

/** The entries of everything that kubectl sent. */
export function kubectlEntries(file: string): Record<string, unknown>[] {
  return ByKubectl.parse(read(file)).requests.map(({ method, url, status, answer }) => {
    const upgraded = Number(answer[0]?.split(' ')[1]);
    return auditEntryOf({ method, path: url, status: status ?? upgraded });
  });
}

function read(file: string): unknown {
  const folder = new URL('../kubernetes-1.36/', import.meta.url);
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}
