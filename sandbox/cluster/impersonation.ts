import type { IncomingMessage } from 'node:http';
import type { User } from './authenticator.js';
import type { Attributes, Authorizer } from './authorizer.js';
import { attributesOf } from './authorizer.js';
import type { RequestInfo } from './request.info.js';
import { badRequest, isRefusal, notSupported, type Refusal } from './status.objects.js';

/** Whom a request is made as, and by which right: `impersonate:user-info`, or none for the classic one. */
export interface Impersonated {
  readonly user: User;
  readonly constraint?: string;
}

const EXTRA = 'impersonate-extra-';
const AUTHENTICATION = 'authentication.k8s.io';
/** From so many on the real one asks for all at once first (impersonation/mode.go). */
const MANY = 4;

/**
 * What Kubernetes 1.36 makes of `Impersonate-…` headers (k8s.io/apiserver, endpoints/filters/impersonation): constrained
 * impersonation is tried first, the classic one after it, and the first refusal is told. Service accounts, nodes and UIDs
 * are not played.
 */
export function impersonation(
  authorizer: Authorizer,
  requester: User,
  { headers, info }: { headers: IncomingMessage['headersDistinct']; info: RequestInfo },
): Impersonated | Refusal | undefined {
  const wanted = wantedUser(headers);
  if (wanted === undefined || isRefusal(wanted)) return wanted;
  const { name, groups, extra = {} } = wanted;
  const values = Object.values(extra).flat();
  if (/^system:(serviceaccount|node):/.test(name) || 'impersonate-uid' in headers) {
    return notSupported('impersonating service accounts, nodes and UIDs');
  }
  if (groups.length >= MANY || values.length >= MANY) {
    return notSupported('impersonating many groups or extras at once');
  }
  const asked = attributesOf(info);
  const constrained = firstRefusal(authorizer, requester, [
    { ...asked, verb: `impersonate-on:user-info:${asked.verb}` },
    ...rightsFor(wanted, 'impersonate:user-info', AUTHENTICATION),
  ]);
  const isSane = Object.keys(extra).every((key) => /^[a-z0-9.-]+\/[a-z0-9._/-]+$/.test(key));
  const user = withAuthenticated(wanted);
  if (constrained === undefined && isSane && !groups.includes('system:masters')) {
    return { user, constraint: 'impersonate:user-info' };
  }
  const classic = firstRefusal(authorizer, requester, rightsFor(wanted, 'impersonate', ''));
  return classic === undefined ? { user } : (constrained ?? classic);
}

function wantedUser(headers: IncomingMessage['headersDistinct']): User | Refusal | undefined {
  const name = headers['impersonate-user']?.[0] ?? '';
  const groups = headers['impersonate-group'] ?? [];
  const extra: Record<string, readonly string[]> = {};
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(EXTRA)) continue;
    extra[unescaped(header.slice(EXTRA.length))] = values ?? [];
  }
  if (name !== '') return { name, groups, extra };
  const isMeant = groups.length > 0 || Object.keys(extra).length > 0;
  return isMeant
    ? badRequest('requested groups or extras without impersonating a user')
    : undefined;
}

/** Users and groups are in the core group for the classic right; extras never are. */
function rightsFor({ name, groups, extra = {} }: User, verb: string, group: string): Attributes[] {
  const one = { verb, group, subresource: '' };
  return [
    { ...one, resource: 'users', name },
    ...groups.map((it) => ({ ...one, resource: 'groups', name: it })),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((value) => ({
        verb,
        group: AUTHENTICATION,
        resource: 'userextras',
        subresource: key,
        name: value,
      })),
    ),
  ];
}

function firstRefusal(
  authorizer: Authorizer,
  requester: User,
  rights: readonly Attributes[],
): Refusal | undefined {
  for (const right of rights) {
    const refusal = authorizer.checkAttributes(requester, right);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function withAuthenticated(user: User): User {
  const isSaid = user.groups.some((it) => /^system:(un)?authenticated$/.test(it));
  return isSaid ? user : { ...user, groups: [...user.groups, 'system:authenticated'] };
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
