import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { Permission } from '../../domain/permission.js';

/**
 * What a handler asks of its caller. `signed-in`: no permission, for what concerns nobody but the caller. `ticket`: a
 * ticket, which the handler itself takes. `cluster-token`: that of a cluster's API server, looked at before the body is.
 * `page`: the cookie of a browser that is signed in, and what {@link ByPage} names.
 */
export type Access = Permission | 'signed-in' | 'ticket' | 'cluster-token' | 'page' | 'public';

export const ACCESS = 'hallpass:access';
export const PAGE_PERMISSION = 'hallpass:page-permission';

/** The permission that the handler needs. Every handler has this or {@link Public}; one without is never run. */
export function Allow(permission: Permission | 'signed-in') {
  return SetMetadata<string, Access>(ACCESS, permission);
}

/** For what everybody may read, signed in or not: the description of the API. */
export function Public() {
  return SetMetadata<string, Access>(ACCESS, 'public');
}

/** For connections that are opened with a ticket: the handler uses it up, and lets nobody in without one. */
export function ByTicket() {
  return SetMetadata<string, Access>(ACCESS, 'ticket');
}

/** For what API servers send: their routes are marked with `FromApiServer`, and no person is let in. */
export function ByClusterToken() {
  return SetMetadata<string, Access>(ACCESS, 'cluster-token');
}

/** For pages, which browsers ask for with a cookie: the permission that is needed, null for what concerns nobody else. */
export function ByPage(permission: Permission | null) {
  return applyDecorators(
    SetMetadata<string, Access>(ACCESS, 'page'),
    SetMetadata<string, Permission | null>(PAGE_PERMISSION, permission),
  );
}
