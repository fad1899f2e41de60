import { z } from 'zod';
import type { Queryable } from './migrations.table.js';

/** What each right over the audit log lets a role do; those that the service must not have. */
const RIGHTS = z.object({
  role: z.string(),
  isSuperuser: z.boolean(),
  isOwner: z.boolean(),
  mayUpdate: z.boolean(),
  mayDelete: z.boolean(),
  mayTruncate: z.boolean(),
});

/** In order: who has the first has all others too, and is told of that one alone. */
const SENTENCES = [
  ['isSuperuser', 'is a superuser'],
  ['isOwner', 'owns the audit log, or may become the role that does'],
  ['mayUpdate', 'may change audit events'],
  ['mayDelete', 'may delete audit events'],
  ['mayTruncate', 'may empty the audit log'],
] as const;

/** Being a member of the owner counts: `SET ROLE` is all that it takes. */
const ASK = `SELECT current_user AS "role",
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS "isSuperuser",
    pg_has_role(current_user, relowner, 'MEMBER') AS "isOwner",
    has_any_column_privilege(oid, 'UPDATE') AS "mayUpdate",
    has_table_privilege(oid, 'DELETE') AS "mayDelete",
    has_table_privilege(oid, 'TRUNCATE') AS "mayTruncate"
  FROM pg_class WHERE oid = 'public.audit_events'::regclass`;

/** The role of this connection, and what it is or may that it should not, the most of it alone. */
export async function rightsOfRole(
  db: Queryable,
): Promise<{ readonly role: string; readonly tooMuch: string | undefined }> {
  const { rows } = await db.query(ASK);
  const rights = RIGHTS.parse(rows[0]);
  const [, tooMuch] = SENTENCES.find(([right]) => rights[right]) ?? [];
  return { role: rights.role, tooMuch };
}

/**
 * Why the role of this connection must not serve, with what to do: it could take back what the audit log says. Undefined
 * where it can only add to it. To be asked of a schema that is current.
 */
export async function roleRefusal(db: Queryable): Promise<string | undefined> {
  const { role, tooMuch } = await rightsOfRole(db);
  if (tooMuch === undefined) return undefined;
  return (
    `The role ${role} ${tooMuch}, so that nobody could rely on it: set \`database.url\` to a role of the service's ` +
    'own (CREATE ROLE hallpass LOGIN PASSWORD …), and run `hallpass-server migrate` (npm run migrate), which gives it the rights that it needs.'
  );
}
