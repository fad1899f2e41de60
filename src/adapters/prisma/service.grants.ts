import pg from 'pg';
import { refusal } from './migrate.report.js';
import type { MigrationRefusal } from './migrate.report.js';
import { MIGRATIONS_TABLE } from './migrations.table.js';
import { one } from './owner.connection.js';
import { INSUFFICIENT_PRIVILEGE, sqlState } from './schema.state.js';

/** The role that the migrations create and grant to. It cannot log in: the service's own role is made a member of it. */
export const SERVICE_GROUP = 'hallpass_service';

/** What the owner lacks before anything is tried, so that no migration is left half-way for want of it. */
export async function whyNotAllowed(
  client: pg.Client,
  serviceUser: string | undefined,
): Promise<MigrationRefusal | undefined> {
  const { rows } = await client.query<Record<string, unknown>>(
    `SELECT current_user AS owner, current_database() AS database,
            to_regclass('${MIGRATIONS_TABLE}') IS NULL AS "isUntouched",
            (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('${MIGRATIONS_TABLE}')
              AND NOT pg_has_role(current_user, relowner, 'USAGE')) AS "otherOwner",
            has_schema_privilege('public', 'CREATE') AS "mayCreate",
            (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS "mayCreateRole",
            to_regrole($1) IS NOT NULL AS "hasGroup",
            $2::text IS NULL OR EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS "hasService",
            (SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class c
              WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')) AS tables`,
    [SERVICE_GROUP, serviceUser ?? null],
  );
  const is = rows[0] ?? {};
  const owner = String(is['owner']);
  if (!is['hasService']) {
    return refusal(
      'not-allowed',
      `There is no role ${serviceUser ?? ''} for the service: create it (CREATE ROLE ${ident(serviceUser ?? '')} LOGIN PASSWORD …) and run this again.`,
    );
  }
  if (!is['mayCreate']) {
    return refusal(
      'not-allowed',
      `The role ${owner} may not create tables in the schema public: make it the owner of the database (ALTER DATABASE ${ident(String(is['database']))} OWNER TO ${ident(owner)}).`,
    );
  }
  if (typeof is['otherOwner'] === 'string') {
    return refusal(
      'not-allowed',
      `The role ${owner} does not own the tables of Hallpass, which ${is['otherOwner']} does: set \`database.ownerUrl\` to that role.`,
    );
  }
  if (!is['hasGroup'] && !is['mayCreateRole']) {
    return refusal(
      'not-allowed',
      `The role ${owner} may not create roles: let an administrator run CREATE ROLE ${SERVICE_GROUP} NOLOGIN${serviceUser === undefined ? '' : ` and GRANT ${SERVICE_GROUP} TO ${ident(serviceUser)}`} once.`,
    );
  }
  if (is['isUntouched'] && typeof is['tables'] === 'string') {
    return refusal(
      'not-empty',
      `The database ${String(is['database'])} holds tables of another program (${is['tables'].slice(0, 100)}): give Hallpass a database of its own.`,
    );
  }
  return undefined;
}

/** Lets the service's role do what the migrations allow `hallpass_service`, and read the table of migrations. */
export async function grantService(
  client: pg.Client,
  { serviceUser, log }: { serviceUser: string | undefined; log: (line: string) => void },
): Promise<MigrationRefusal | undefined> {
  const hasGroup = await one(client, `SELECT to_regrole($1) IS NOT NULL AS value`, [SERVICE_GROUP]);
  if (hasGroup !== true) return undefined;
  await client.query(`GRANT SELECT ON ${MIGRATIONS_TABLE} TO ${SERVICE_GROUP}`);
  if (serviceUser === undefined) return undefined;

  const standing = await one(
    client,
    `SELECT CASE WHEN rolname = current_user THEN 'owner'
                 WHEN rolsuper THEN 'superuser'
                 WHEN pg_has_role(oid, $1::regrole, 'MEMBER') THEN 'member'
                 ELSE 'stranger' END AS value
       FROM pg_roles WHERE rolname = $2`,
    [SERVICE_GROUP, serviceUser],
  );
  if (standing === 'owner' || standing === 'superuser') {
    log(
      `Warning: the service runs as ${serviceUser}, which ${standing === 'owner' ? 'owns the tables' : 'is a superuser'} and so could remove the audit log's protection. It will not serve: give it a role of its own.`,
    );
  }
  if (standing !== 'stranger') return undefined;
  const grant = `GRANT ${SERVICE_GROUP} TO ${ident(serviceUser)}`;
  try {
    await client.query(grant);
    log(`Granted ${SERVICE_GROUP} to ${serviceUser}.`);
    return undefined;
  } catch (cause) {
    if (sqlState(cause) !== INSUFFICIENT_PRIVILEGE) throw cause;
    return refusal(
      'not-allowed',
      `The schema is current, but the owner may not let the service use it: let an administrator run ${grant}.`,
      { cause },
    );
  }
}

function ident(name: string): string {
  return pg.escapeIdentifier(name);
}
