import { reviewAccess } from './access.review.js';
import type { ApiRequest, Reply, ResourceRequest } from './api.exchange.js';
import type { ClusterParts } from './cluster.parts.js';
import { discoveryDocument } from './discovery.documents.js';
import type { Plural } from './object.store.js';
import { patchEphemeralContainers } from './patch.handler.js';
import { evict, requestToken } from './pod.subresources.js';
import { readLog } from './log.reader.js';
import { getObject, handleResource } from './resource.handlers.js';
import {
  apiVersionOf,
  findResource,
  groupsNotServed,
  isReview,
  realButNotServed,
  resources,
  subresources,
  subresourcesNotServed,
} from './resource.catalog.js';
import {
  badRequest,
  methodNotAllowed,
  notSupported,
  pathNotFound,
  refuseAsText,
  type Refusal,
} from './status.objects.js';

const health = ['/healthz', '/livez', '/readyz'];
const notServedPaths = ['/openapi', '/metrics', '/logs', '/debug', '/configz', '/.well-known'];

/** A request that is authorized, to its handler. */
export async function route(
  parts: ClusterParts,
  request: ApiRequest,
  serverAddress: string,
  signal: AbortSignal,
): Promise<Reply> {
  const { info, method } = request;
  if (!info.isResource) {
    if (health.some((path) => info.path === path || info.path.startsWith(`${path}/`))) {
      return { status: 200, body: 'ok', headers: { 'content-type': 'text/plain; charset=utf-8' } };
    }
    const document =
      method === 'GET' ? discoveryDocument(info.path.replace(/\/$/, ''), serverAddress) : undefined;
    if (document !== undefined) return { status: 200, body: document };
    return nothingThere(info.path, groupOf(info.path));
  }
  if (findGroupVersion(info.group, info.version) === undefined) {
    return nothingThere(info.path, info.group);
  }
  const resource = findResource(info.group, info.resource);
  if (resource === undefined) {
    const real = realButNotServed[info.group]?.includes(info.resource) === true;
    return real ? notSupported(`the resource ${info.resource}`) : pathNotFound();
  }
  const { plural } = resource;
  if (isReview(plural)) {
    return method === 'POST' ? reviewAccess(parts, request, resource) : methodNotAllowed();
  }
  const known: ResourceRequest = { ...request, plural, resource };
  if (info.subresource === '') {
    const escalates = info.group === 'rbac.authorization.k8s.io' && info.verb === 'create';
    if (escalates && !request.user.groups.includes('system:masters')) {
      return notSupported('RBAC objects made by others than system:masters (escalation checks)');
    }
    return handleResource(parts, known, signal);
  }
  return routeSubresource(parts, known, plural);
}

function routeSubresource(
  parts: ClusterParts,
  request: ResourceRequest,
  plural: Plural,
): Reply | Promise<Reply> {
  const { info } = request;
  const row = subresources.find((sub) => sub.of === plural && sub.name === info.subresource);
  if (row === undefined) {
    return subresourcesNotServed.includes(info.subresource)
      ? notSupported(`the subresource ${plural}/${info.subresource}`)
      : pathNotFound();
  }
  if (info.verb === 'update') return notSupported(`update of ${plural}/${info.subresource}`);
  if (!row.verbs.includes(info.verb)) return methodNotAllowed();
  const handlers: Readonly<Record<string, () => Reply | Promise<Reply>>> = {
    ephemeralcontainers: () =>
      info.verb === 'get' ? getObject(parts, request) : patchEphemeralContainers(parts, request),
    log: () => readLog(parts, request),
    eviction: () => evict(parts, request),
    token: () => requestToken(parts, request),
    // Reached without an upgrade only (measured: stream/exec-plain-http.json).
    exec: () => badRequest('Upgrade request required'),
    attach: () => badRequest('Upgrade request required'),
  };
  return handlers[info.subresource]?.() ?? pathNotFound();
}

function findGroupVersion(group: string, version: string): string | undefined {
  const row = resources.find((r) => r.group === group && r.version === version);
  return row && apiVersionOf(row);
}

function groupOf(path: string): string | undefined {
  return /^\/apis\/([^/]+)/.exec(path)?.[1];
}

function nothingThere(path: string, group: string | undefined): Refusal {
  if (group !== undefined && groupsNotServed.includes(group)) {
    return notSupported(`the API group ${group}`);
  }
  if (notServedPaths.some((prefix) => path.startsWith(prefix))) return notSupported(path);
  return refuseAsText(404, '404 page not found\n');
}
