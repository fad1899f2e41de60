import type { Person } from './person.js';

export const ROLES = ['requester', 'approver', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * What each role may try. Every HTTP handler names one of these permissions; policy and the session machine then
 * decide about the one session. `-all` widens what is seen from "mine or mine to decide" to everything.
 */
const GRANTS = {
  requester: [
    'session:request',
    'session:read',
    'session:use',
    'recording:read',
    'review:read',
    'policy:simulate',
    'cluster:read',
  ],
  approver: [
    'session:read',
    'session:decide',
    'session:revoke',
    'session:watch',
    'session:review',
    'review:read',
    'recording:read',
    'cluster:read',
  ],
  auditor: [
    'session:read',
    'session:read-all',
    'session:watch',
    'session:review',
    'review:read',
    'recording:read',
    'recording:read-all',
    'recording:hold',
    'audit:read',
    'audit:review',
    'audit:hold',
    'channel:read',
    'policy:read',
    'policy:simulate',
    'cluster:read',
  ],
  admin: [
    'session:read',
    'session:read-all',
    'session:revoke',
    'review:read',
    'channel:read',
    'channel:test',
    'policy:read',
    'policy:simulate',
    'cluster:read',
  ],
} as const satisfies Record<Role, readonly string[]>;

export type Permission = (typeof GRANTS)[Role][number];

/** Role to groups, from the configuration; `*` stands for everybody who is signed in. */
export type RoleGroups = Readonly<Record<Role, readonly string[]>>;

/** The roles that a person's groups give them, in the order of {@link ROLES}. */
export function rolesOf(person: Person, roleGroups: RoleGroups): Role[] {
  const mine = new Set([...person.groups, '*']);
  return ROLES.filter((role) => roleGroups[role].some((group) => mine.has(group)));
}

/** Whether any of the roles carries the permission. No roles, no permission. */
export function permits(roles: readonly Role[], permission: Permission): boolean {
  return roles.some((role) => (GRANTS[role] as readonly string[]).includes(permission));
}
