import type { Me } from '../../contract/me.schema.js';
import type { Permission } from '../../domain/permission.js';
import { permits } from '../../domain/permission.js';
import type { Caller } from '../caller.js';
import { personOf } from '../caller.js';

const PERMISSIONS = Object.keys({
  'session:request': true,
  'session:read': true,
  'session:read-all': true,
  'session:use': true,
  'session:decide': true,
  'session:revoke': true,
  'session:watch': true,
  'session:review': true,
  'review:read': true,
  'recording:read': true,
  'recording:read-all': true,
  'recording:hold': true,
  'cluster:read': true,
  'policy:read': true,
  'policy:simulate': true,
  'audit:read': true,
  'audit:review': true,
  'audit:hold': true,
  'channel:read': true,
  'channel:test': true,
} satisfies Record<Permission, true>) as Permission[];

/** The caller as Hallpass knows them. */
export function meView(caller: Caller, signedInUntil: Date): Me {
  const { iss, sub, name, email, groups } = personOf(caller);
  return {
    person: {
      iss,
      sub,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
      groups: [...groups],
    },
    roles: [...caller.roles],
    permissions: PERMISSIONS.filter((permission) => permits(caller.roles, permission)),
    signedInUntil: signedInUntil.toISOString(),
  };
}
