/** What a request is about, read from its method, path and query as the real server's RequestInfo does. */
export interface RequestInfo {
  isResource: boolean;
  path: string;
  verb: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string | undefined;
  name: string | undefined;
}

const verbOfMethod: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function readRequestInfo(
  method: string,
  path: string,
  query: URLSearchParams,
): RequestInfo | undefined {
  const methodVerb = verbOfMethod[method] ?? method.toLowerCase();
  const nonResource: RequestInfo = {
    isResource: false,
    path,
    verb: methodVerb,
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: undefined,
    name: undefined,
  };
  let parts: string[];
  try {
    parts = path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
  while (parts[parts.length - 1] === '') parts.pop();
  const grouped = parts[0] === 'apis';
  if (!grouped && parts[0] !== 'api') return nonResource;
  const head = grouped ? 3 : 2;
  if (parts.length <= head) return nonResource;
  const group = grouped ? (parts[1] ?? '') : '';
  const version = parts[head - 1] ?? '';
  let rest = parts.slice(head);
  let namespace: string | undefined;
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1];
    if (rest.length > 2 && rest[2] !== 'finalize' && rest[2] !== 'status') rest = rest.slice(2);
  }
  const [resource = '', name, subresource = ''] = rest;
  let verb = methodVerb;
  if (name === undefined && verb === 'get') {
    verb = isTrue(query.get('watch')) ? 'watch' : 'list';
  } else if (name === undefined && verb === 'delete') {
    verb = 'deletecollection';
  }
  // A list of one name is authorized as that name (k8s.io/apiserver request/requestinfo.go).
  const selected =
    name === undefined && ['list', 'watch', 'deletecollection'].includes(verb)
      ? /(?:^|,)metadata\.name==?([^,]+)/.exec(query.get('fieldSelector') ?? '')?.[1]
      : name;
  return {
    isResource: true,
    path,
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name: selected,
  };
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1' || value === 'True' || value === 'TRUE';
}
