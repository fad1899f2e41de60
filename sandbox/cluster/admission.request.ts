import type { AdmissionFacts } from './admission.cel.js';
import type { ApiRequest } from './api.exchange.js';

/** A request as admission sees it. */
export function admissionRequest(
  { info, user }: Pick<ApiRequest, 'info' | 'user'>,
  operation: 'UPDATE' | 'CONNECT',
): AdmissionFacts['request'] {
  const { name = '', namespace = '', group, version, resource, subresource } = info;
  return {
    operation,
    name,
    namespace,
    resource: { group, version, resource },
    subResource: subresource,
    userInfo: {
      username: user.name,
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
  };
}
