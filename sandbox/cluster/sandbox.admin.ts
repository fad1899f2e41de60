import type { ApiRequest, JsonReply } from './api.exchange.js';
import { parseJson } from './go.format.js';
import type { ClusterParts } from './cluster.parts.js';
import { type Fault, FaultDocument } from './faults.js';
import {
  badRequest,
  isRefusal,
  methodNotAllowed,
  pathNotFound,
  type Refusal,
} from './status.objects.js';

/**
 * The sandbox's own door, for a test in another process; the admin token opens it, nothing else does.
 * `GET|POST|DELETE /_sandbox/faults`, `DELETE /_sandbox/faults/ID`, `GET|DELETE /_sandbox/requests`.
 */
export async function sandboxAdmin(
  parts: ClusterParts,
  request: ApiRequest,
): Promise<JsonReply | Refusal> {
  const { faults, requests } = parts;
  const [, , collection, id] = request.info.path.split('/');
  if (collection === 'requests') {
    if (request.method === 'GET') return { status: 200, body: { items: requests.all() } };
    if (request.method !== 'DELETE') return methodNotAllowed();
    requests.clear();
    return { status: 200, body: {} };
  }
  if (collection !== 'faults') return pathNotFound();
  if (request.method === 'GET') return { status: 200, body: { items: faults.list().map(shown) } };
  if (request.method === 'DELETE') {
    if (id === undefined) faults.clear();
    else if (!faults.remove(id)) return pathNotFound();
    return { status: 200, body: {} };
  }
  if (request.method !== 'POST') return methodNotAllowed();
  const body = await request.readBody();
  if (isRefusal(body)) return body;
  const parsed = parseJson(body.toString('utf8'));
  if ('error' in parsed) return badRequest(parsed.error);
  const fault = FaultDocument.safeParse(parsed.value);
  if (!fault.success) return badRequest(fault.error.message);
  return { status: 201, body: shown(faults.add(fault.data)) };
}

function shown({ id, match, effect, hits }: Fault): unknown {
  const { path, container, ...rest } = match;
  return {
    id,
    hits,
    effect,
    match: {
      ...rest,
      ...(path ? { path: path.source } : {}),
      ...(container ? { container: container.source } : {}),
    },
  };
}
