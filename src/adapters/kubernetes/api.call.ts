import type { SpanFacts } from '../../app/ports/tracer.js';

/** What is asked of a cluster, as its own access rules name it: a verb, and a resource with its sub-resource. */
export type ApiCall = Required<Pick<SpanFacts, 'verb' | 'resource'>>;

const VERBS: Readonly<Record<string, string>> = {
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
  POST: 'create',
};
/** After what comes before it, of a proxy: the group and version, then a namespace or none, then what is meant. */
const PATH =
  /\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(?:namespaces\/[^/]+\/)?([a-z]+)(?:\/[^/]+(?:\/([a-z]+))?)?$/;

/** The call behind a method and an address, without the names in it. */
export function apiCallOf(method: string, address: string): ApiCall {
  const { pathname, searchParams } = new URL(address);
  const [, resource = 'other', sub] = PATH.exec(pathname) ?? [];
  const isNamed = sub !== undefined || /\/[^/]+$/.exec(pathname)?.[0] !== `/${resource}`;
  const reading = searchParams.has('watch') ? 'watch' : isNamed ? 'get' : 'list';
  return {
    verb: VERBS[method] ?? reading,
    resource: sub === undefined ? resource : `${resource}/${sub}`,
  };
}
