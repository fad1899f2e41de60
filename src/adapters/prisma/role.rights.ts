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

const LACKS = z.array(z.object({ right: z.string() }));

/** What the migrations let the service do, and this role may not: being a member that does not inherit is not enough. */
const ASK_LACKS = `SELECT p || ' on ' || relname AS "right"
   FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    AND to_regrole('hallpass_service') IS NOT NULL
    AND CASE WHEN p = 'DELETE'
          THEN has_table_privilege('hallpass_service', oid, p) AND NOT has_table_privilege(oid, p)
          ELSE has_any_column_privilege('hallpass_service', oid, p) AND NOT has_any_column_privilege(oid, p) END
  ORDER BY relname, p`;

/** The rights that the role of this connection lacks to serve: `INSERT on audit_events`. */
export async function rightsLacking(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query(ASK_LACKS);
  return LACKS.parse(rows).map(({ right }) => right);
}

const NAMED_MAX = 3;

/**
 * Why the role of this connection must not serve, with what to do: it could take back what the audit log says, or it may
 * not do what serving takes. Undefined where neither is so. To be asked of a schema that is current.
 */
export async function roleRefusal(db: Queryable): Promise<string | undefined> {
  const { role, tooMuch } = await rightsOfRole(db);
  if (tooMuch === undefined) {
    const lacking = await rightsLacking(db);
    if (lacking.length === 0) return undefined;
    const more = lacking.length > NAMED_MAX ? ` and ${lacking.length - NAMED_MAX} more` : '';
    return (
      `The role ${role} lacks rights that serving takes (${lacking.slice(0, NAMED_MAX).join(', ')}${more}): run ` +
      '`hallpass-server migrate` (npm run migrate), which grants hallpass_service to the role in `database.url`, or let ' +
      `an administrator run GRANT hallpass_service TO ${role}; a member that does not inherit has none of its rights.`
    );
  }
  return (
    `The role ${role} ${tooMuch}, so that nobody could rely on it: set \`database.url\` to a role of the service's ` +
    'own (CREATE ROLE hallpass LOGIN PASSWORD …), and run `hallpass-server migrate` (npm run migrate), which gives it the rights that it needs.'
  );
}
