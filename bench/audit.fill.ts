import { availableParallelism } from 'node:os';
import pg from 'pg';

/**
 * Events of a company, as many as are wanted, made inside of PostgreSQL: ten of each session, from asking to its end, all
 * of them in canonical form and with the hashes that they have. Everything follows from an event's place, and what a
 * session has is spread by its number's hash.
 */

/** The time of the event at place 0; each is a second after the one before. */
export const FIRST_MS = Date.parse('2026-01-01T00:00:00Z');
export const EACH_MS = 1_000;

const FILLED = ['audit_events', 'audit_leaves', 'audit_facts'];
/** Of places: a statement takes some seconds. */
const SLICE = 100_000;
/** As many as there are cores. */
const AT_ONCE = availableParallelism();

/** What an event at a place is, column by column of `rows`. */
const ROWS = `
  places AS (
    SELECT n, (n + $3::bigint) / 10 AS s, ((n + $3::bigint) % 10)::int AS k,
      abs(hashint8((n + $3::bigint) / 10)::bigint) AS h, abs(hashint8((n + $3::bigint) / 10 + 1000000007)::bigint) AS h2,
      to_char(to_timestamp(${FIRST_MS / 1_000}) AT TIME ZONE 'UTC' + n * interval '${EACH_MS} ms', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS time
    FROM generate_series($1::bigint, $2::bigint - 1) AS n
  ), sessions AS (
    SELECT *, md5('event' || n)::uuid AS id, 'ses-' || md5('session' || s) AS session,
      CASE WHEN s < 5 THEN 'founder' ELSE 'user-' || h % 2000 END AS requester,
      'approver-' || h2 % 50 AS approver,
      CASE WHEN s < 20 THEN 'legacy' ELSE 'team-' || (h % 200) * (h2 % 200) / 200 END AS namespace,
      CASE WHEN s < 20 THEN 'legacy-rule' ELSE 'rule-' || (h % 200) / 4 END AS rule,
      'app-' || h % 3000 AS app,
      'registry.example/debug-' || least(h2 % 40, 19) AS image,
      CASE WHEN s % 2 = 0 THEN 'OPS-' || s / 4 END AS ticket,
      s % 100 = 0 AS glass,
      'checkout answers ' || 500 + h % 100 || ' since the deploy of ' || (ARRAY['cart','search','login','mail','stock'])[h2 % 5 + 1]
        || ', looking into ' || substr(md5('word' || h % 20000), 1, 7) || CASE WHEN s % 20000 = 7 THEN ' heisenbug' ELSE '' END AS reason,
      s % 25 = 3 AS denied
    FROM places
  ), steps AS (
    SELECT *, CASE WHEN denied AND k > 2 THEN 10 WHEN denied AND k = 2 THEN 11 ELSE k END AS step FROM sessions
  ), rows AS MATERIALIZED (
    SELECT *,
      (ARRAY['session.ask','session.consent','session.approve','session.start','session.run','recording.started','recording.read','session.leave','recording.finished','session.finish','audit.read','session.deny'])[step + 1] AS action,
      CASE WHEN step = 11 THEN 'denied' WHEN step = 8 AND h % 500 = 0 THEN 'failure' ELSE 'success' END AS outcome,
      CASE step WHEN 0 THEN requester WHEN 7 THEN requester WHEN 1 THEN approver WHEN 2 THEN 'approver-' || h % 50 WHEN 11 THEN approver
        WHEN 6 THEN 'auditor' WHEN 10 THEN 'auditor' END AS person,
      (ARRAY[
        '"from":"new","requester":{"iss":"https://idp.example","sub":"' || requester || '"},"to":"pending","version":1',
        '"from":"pending","to":"pending","version":2',
        '"from":"pending","to":"approved","version":3',
        '"from":"approved","to":"starting","version":4',
        '"from":"starting","to":"active","version":5',
        '"format":"asciicast-v2","recording":"rec-' || s || '"',
        '"recording":"rec-' || s || '"',
        '"from":"active","to":"ending","version":6',
        '"chunks":3,"digest":"' || md5('a' || s) || md5('b' || s) || '","recording":"rec-' || s || '"',
        '"from":"ending","to":"ended","version":7',
        '"count":256,"from":' || n,
        '"from":"pending","to":"denied","version":3'
      ])[step + 1] AS data
    FROM steps
  ), bodies AS MATERIALIZED (
    SELECT *, convert_to(
      '{"action":"' || action || '","actor":' || CASE WHEN person IS NULL THEN '{"channel":"system","kind":"system","replica":"hallpass-0"}'
        ELSE '{"address":"10.0.3.17","channel":"cli","email":"' || person || '@example.com","groups":["engineers","on-call"],"iss":"https://idp.example","kind":"person","request":"' || substr(id::text, 1, 8) || '","sub":"' || person || '"}' END
      || CASE WHEN glass AND step < 10 THEN ',"breakGlass":true' ELSE '' END
      || ',"data":{' || data || '},"id":"' || id || '","outcome":"' || outcome || '","policy":{"rule":"' || rule || '","version":"' || md5('policy') || '"},"reason":"' || reason
      || '","schema":"1.1","session":"' || session || '","target":{"cluster":"main","container":"web","image":"' || image || '","namespace":"' || namespace
      || '","pod":"' || app || '-' || s || '","podUid":"' || md5('pod' || s)::uuid || '","profile":"general","workload":"Deployment/' || app || '"}'
      || CASE WHEN ticket IS NULL THEN '' ELSE ',"ticket":"' || ticket || '"' END || ',"time":"' || time || '"'
      || CASE WHEN s % 3 = 0 THEN ',"traceparent":"00-' || md5('trace' || s) || '-' || substr(md5('span' || n), 1, 16) || '-01"' ELSE '' END || '}', 'UTF8') AS body
    FROM rows
  )`;

const INSERTS = `
  WITH ${ROWS}, events AS (
    INSERT INTO audit_events (id, at, action, session_id, body, leaf_hash)
    SELECT id, time::timestamptz, action, session, body, sha256('\\x00'::bytea || body) FROM bodies
  ), leaves AS (
    INSERT INTO audit_leaves (index, event_id, leaf_hash)
    SELECT n, id, sha256('\\x00'::bytea || body) FROM bodies
  )
  INSERT INTO audit_facts (index, at, action, outcome, session_id, person_iss, person, email, approver, requester, cluster,
    namespace, workload, pod, image, rule, ticket, break_glass, words)
  SELECT n, time::timestamptz, action, outcome, session, CASE WHEN person IS NOT NULL THEN 'https://idp.example' END, person,
    person || '@example.com', CASE WHEN step IN (1, 2, 11) THEN person END, CASE WHEN step = 0 THEN requester END, 'main',
    namespace, 'Deployment/' || app, app || '-' || s, image, rule, ticket, glass AND step < 10,
    to_tsvector('simple', reason || E'\\n' || coalesce(ticket || E'\\n', '') || regexp_replace(data, '"[a-z]+":[0-9]*|[{}]', ' ', 'g'))
  FROM bodies`;

/**
 * Fills places `begin` to `end`, as somebody who may do anything: indexes are made at the end, and nothing else writes
 * meanwhile. The tree is the caller's.
 */
export async function fill(
  adminUrl: string,
  {
    begin,
    end,
    signal,
  }: { readonly begin: number; readonly end: number; readonly signal: AbortSignal },
): Promise<void> {
  await using pool = new FillingPool(adminUrl);
  const tables = FILLED.map((it) => `'${it}'::regclass`).join(', ');
  await pool.query('ALTER TABLE audit_events DISABLE TRIGGER audit_event_waits');
  // An index that is not ready is left alone, keys too, until it is made anew.
  await pool.query(`UPDATE pg_index SET indisready = false WHERE indrelid IN (${tables})`);
  // The first event is the first of its session.
  const shift = (10 - (begin % 10)) % 10;
  let next = begin;
  const slices = async () => {
    while (next < end) {
      signal.throwIfAborted();
      const from = next;
      next = Math.min(end, from + SLICE);
      await pool.query(INSERTS, [from, next, shift]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, slices));
  const indexes = await pool.query(
    `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid IN (${tables})`,
  );
  const left = indexes.map(({ name }) => String(name));
  const reindex = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      signal.throwIfAborted();
      await pool.query(`REINDEX INDEX ${name}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reindex));
  await pool.query('SELECT widen_audit_fact_spans($1, $2)', [begin, end]);
  for (const table of [...FILLED, 'audit_fact_spans']) await pool.query(`VACUUM ANALYZE ${table}`);
  await pool.query('ALTER TABLE audit_events ENABLE ALWAYS TRIGGER audit_event_waits');
}

/** Connections of a superuser, in which no foreign key is looked after. */
class FillingPool implements AsyncDisposable {
  private readonly pool: pg.Pool;

  constructor(connectionString: string) {
    this.pool = new pg.Pool({
      connectionString,
      max: AT_ONCE,
      options:
        '-c session_replication_role=replica -c synchronous_commit=off -c work_mem=256MB -c maintenance_work_mem=512MB',
    });
  }

  async query(sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const { rows } = await this.pool.query<Record<string, unknown>>(sql, [...values]);
    return rows;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool.end();
  }
}
