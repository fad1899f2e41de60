import pg from 'pg';
import { z } from 'zod';
import type { ClockReading } from '../../domain/doctor/cluster.verdicts.js';
import { Unseen } from '../../domain/doctor/finding.js';
import type {
  DatabaseFacts,
  RoleFacts,
  TriggerFacts,
} from '../../domain/doctor/service.verdicts.js';
import { CONTAINER_PREFIX } from '../../domain/session/debug-container.js';
import { MIGRATIONS_DIR } from './migrate.runner.js';
import { rightsLacking, rightsOfRole } from './role.rights.js';
import { writeBar } from './write.bar.js';
import { schemaState, schemaWords, sqlState } from './schema.state.js';

const CONNECT_MS_MAX = 4_000;
const STATEMENT_MS_MAX = 4_000;

const Version = z.object({ number: z.coerce.number(), text: z.string() });
const Now = z.object({ ms: z.coerce.number() });
const Trigger = z.object({ name: z.string(), table: z.string(), enabled: z.string() });
const Named = z.object({ name: z.string() });
const Failures = z.array(z.object({ image: z.string().nullable(), count: z.coerce.number() }));

/** Looks at the database as the role that serves, and changes nothing. Each look has a connection of its own. */
export class DatabaseExaminer {
  private failures: Promise<ReadonlyMap<string | null, number> | Unseen> | undefined;

  /** @param url secret: it holds the password. */
  constructor(private readonly url: string) {}

  facts(): Promise<DatabaseFacts | Unseen> {
    return this.ask(async (client) => {
      const { rows } = await client.query(
        `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS text`,
      );
      const { number, text } = Version.parse(rows[0]);
      const schema = schemaWords(await schemaState(client, MIGRATIONS_DIR));
      return { versionNumber: number, version: text, schema, bar: await writeBar(client) };
    });
  }

  role(): Promise<RoleFacts | Unseen> {
    return this.ask(async (client) => {
      const { role, tooMuch } = await rightsOfRole(client);
      const tooLittle = await rightsLacking(client);
      return { role, tooMuch: tooMuch === undefined ? [] : [tooMuch], tooLittle };
    });
  }

  triggers(): Promise<readonly TriggerFacts[] | Unseen> {
    return this.ask(async (client) => {
      const { rows } = await client.query(
        `SELECT t.tgname AS name, c.relname AS table, t.tgenabled::text AS enabled
           FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
          WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
            AND (t.tgname LIKE 'append\\_only%' OR c.relname LIKE 'audit\\_%')
          ORDER BY c.relname, t.tgname`,
      );
      return z.array(Trigger).parse(rows);
    });
  }

  clock(): Promise<ClockReading | Unseen> {
    return this.ask(async (client) => {
      const askedMs = Date.now();
      const { rows } = await client.query(
        `SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`,
      );
      return { thereMs: Now.parse(rows[0]).ms, askedMs, answeredMs: Date.now(), grainMs: 1 };
    });
  }

  /** How many starts with an image failed in the last seven days since it could not be had. Asked once for all images. */
  async pullFailures(image: string): Promise<number | Unseen> {
    this.failures ??= this.ask(async (client) => {
      const { rows } = await client.query(
        `SELECT s."grant"->'profile'->>'image' AS image, count(*) AS count
           FROM session_events e JOIN sessions s ON s.id = e.session_id
          WHERE e.event = 'fail' AND e.at > now() - interval '7 days'
            AND e.data->>'kubernetesReason' IN
              ('ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName')
          GROUP BY 1`,
      );
      return new Map(Failures.parse(rows).map((it) => [it.image, it.count]));
    });
    const failures = await this.failures;
    return failures instanceof Unseen ? failures : (failures.get(image) ?? 0);
  }

  /** Which of these containers no session has that goes on: neither as its own nor as one that it moves to or has left. */
  async strangers(names: readonly string[]): Promise<ReadonlySet<string> | Unseen> {
    if (names.length === 0) return new Set();
    return this.ask(async (client) => {
      const { rows } = await client.query(
        `SELECT name FROM unnest($1::text[]) AS name
          WHERE NOT EXISTS (
            SELECT FROM sessions s
             WHERE s.id = substr(name, length($2) + 1, 16) AND s.state <> 'ended'
               AND (s.container->>'name' = name OR s.extension->'container'->>'name' = name
                 OR s.former_containers @> jsonb_build_array(jsonb_build_object('container', jsonb_build_object('name', name)))))`,
        [names, CONTAINER_PREFIX],
      );
      return new Set(
        z
          .array(Named)
          .parse(rows)
          .map(({ name }) => name),
      );
    });
  }

  private async ask<T>(look: (client: pg.Client) => Promise<T>): Promise<T | Unseen> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      statement_timeout: STATEMENT_MS_MAX,
      application_name: 'hallpass doctor',
    });
    // One that breaks fails the query under way; unheard, its error would end the process as well.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await look(client);
    } catch (error) {
      return away(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** PostgreSQL's own words name roles and databases, never passwords; those of the network may name anything. */
function away(error: unknown): Unseen {
  const state = sqlState(error);
  const said = error instanceof pg.DatabaseError ? error.message : state;
  return new Unseen(
    `the database does not let us look${said === '' ? '' : ` (${said})`}`,
    'check database.url, that PostgreSQL runs, and that its migrations were run',
  );
}
