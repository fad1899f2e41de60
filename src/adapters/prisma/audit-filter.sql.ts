import type pg from 'pg';
import type { AuditFilter } from '../../app/ports/audit.index.js';
import { COUNTED_BY } from '../../app/ports/audit.index.js';
import { factText } from '../../domain/audit/event.facts.js';

/** Columns that hold subjects, and may be asked for as `issuer|subject`: all are of whoever acted, but one. */
const ACTORS: ReadonlySet<string> = new Set(['person', 'approver']);
const ISSUER_AND_SUBJECT = /^(https?:\/\/[^|]*)\|(.+)$/is;

/** How many places a block of `audit_fact_spans` has: the database says it. */
const BLOCK = 'audit_fact_block_places()';
/** Behind all places. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

/** Parts of an image, by the expressions that the indexes have. */
const IMAGE = {
  name: `regexp_replace(split_part(image, '@', 1), ':[^/:]*$', '')`,
  tag: `split_part(image, '@', 1)`,
  digest: `image LIKE '%@%' AND split_part(image, '@', 2)`,
} as const;

/**
 * The trace in an event's body, by the expression that the index has. No name of a member comes after `traceparent` in
 * the order of canonical JSON, so that it is the end of the body or nowhere; in what is within the event, it is followed
 * by more brackets. Of any bytes it is something or null, and never an error: whoever writes events runs it.
 */
const TRACE_IN_BODY = `substring(encode(substring(e.body from octet_length(e.body) - 71), 'escape') from '^"traceparent":"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"}$')`;
/** Whoever asks says in which trace: one may have as many events as somebody likes. */
const TRACE_EVENTS_MAX = 100_000;

/** Columns with an index by value and place, of all values but null. */
export const BY_VALUE: ReadonlySet<string> = new Set([
  'action',
  'session_id',
  'person',
  'email',
  'approver',
  'requester',
  'cluster',
  'namespace',
  'workload',
  'pod',
  'rule',
  'ticket',
]);

/** What must hold of `audit_facts`, with its values; `next` is the parameter after them. */
export interface FactsWhere {
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly next: string;
  /** What gives the newest places first, and by which index. */
  readonly newest: string;
}

/** From the first of these places on and before the other. */
export interface Places {
  readonly from?: number;
  readonly before?: number;
}

/** Where all events of this time are, and few others: clocks may jump, so that the places tell no times. */
export async function placesOf(pool: pg.Pool, { from, until }: AuditFilter): Promise<Places> {
  if (from === undefined && until === undefined) return {};
  const { rows } = await pool.query<{ first: string; end: string }>(
    `SELECT coalesce((SELECT min(block) * ${BLOCK} FROM audit_fact_spans WHERE last_at >= $1), ${NOWHERE}) AS first,
       coalesce((SELECT (max(block) + 1) * ${BLOCK} FROM audit_fact_spans WHERE first_at < $2), 0) AS end`,
    [from ?? '-infinity', until ?? 'infinity'],
  );
  return { from: Number(rows[0]?.first ?? 0), before: Number(rows[0]?.end ?? NOWHERE) };
}

/** @param within places, of which more than one set may be given: all must hold. */
export function whereOf(filter: AuditFilter, ...within: readonly Places[]): FactsWhere {
  const values: unknown[] = [];
  const holds: string[] = [];
  const equal: { readonly column: string; readonly parameter: string }[] = [];
  const must = (column: string, operator: string, value: unknown) => {
    if (value === undefined) return;
    const parameter = `$${values.push(value)}`;
    if (operator === '=' && BY_VALUE.has(column)) equal.push({ column, parameter });
    else holds.push(`${column} ${operator} ${parameter}`);
  };
  const [from, before] = [
    Math.max(...within.map((it) => it.from ?? 0), 0),
    Math.min(...within.map((it) => it.before ?? NOWHERE), NOWHERE),
  ];
  if (from > 0) must('index', '>=', from);
  if (before < NOWHERE) must('index', '<', before);
  must('session_id', '=', filter.session);
  must('email', '=', filter.email);
  must('at', '>=', filter.from);
  must('at', '<', filter.until);
  for (const by of COUNTED_BY) {
    const text = filter[by];
    if (text === undefined || by === 'session' || by === 'image') continue;
    const [, iss, sub] = (ACTORS.has(by) && ISSUER_AND_SUBJECT.exec(text)) || [];
    must('person_iss', '=', iss);
    must(by, '=', sub ?? factText(text));
  }
  if (filter.image !== undefined) {
    for (const [part, text] of imageParts(filter.image)) must(IMAGE[part], '=', text);
  }
  if (filter.breakGlass !== undefined)
    holds.push(filter.breakGlass ? 'break_glass' : 'NOT break_glass');
  if (filter.text !== undefined) {
    holds.push(`words @@ websearch_to_tsquery('simple', $${values.push(filter.text)})`);
  }
  if (filter.trace !== undefined) holds.push(inTrace(filter, (value) => `$${values.push(value)}`));
  const [only, ...others] = equal;
  const isByValue = only !== undefined && others.length === 0 && !isLookedUp(filter);
  if (isByValue) {
    // As a range, for which no other index is in order: what ended long ago is not among the newest places.
    const { column, parameter } = only;
    holds.push(
      `${column} IS NOT NULL AND (${column}, index) >= (${parameter}, ${Math.max(from, 0)})`,
    );
    holds.push(`(${column}, index) < (${parameter}, ${before})`);
  } else {
    holds.push(...equal.map(({ column, parameter }) => `${column} = ${parameter}`));
  }
  return {
    sql: holds.length > 0 ? holds.join(' AND ') : 'true',
    values,
    next: `$${values.length + 1}`,
    newest: isByValue ? `${only.column} DESC, index DESC` : 'index DESC',
  };
}

/** Whether it asks for what is not found in the order of places. */
function isLookedUp({ text, trace }: AuditFilter): boolean {
  return text !== undefined || trace !== undefined;
}

/**
 * That a place is of this trace. Its places are looked up one by one before all else: nothing is known of how many
 * events a trace has until the table is analyzed, and all other plans read it whole where there are more than thought.
 */
function inTrace(
  { trace, from, until }: AuditFilter,
  parameter: (value: unknown) => string,
): string {
  const holds = [`${TRACE_IN_BODY} = ${parameter(trace)}`];
  if (from !== undefined) holds.push(`e.at >= ${parameter(from)}`);
  if (until !== undefined) holds.push(`e.at < ${parameter(until)}`);
  return `index = ANY (ARRAY(
    SELECT (SELECT l.index FROM audit_leaves l WHERE l.event_id = e.id) FROM audit_events e
    WHERE ${holds.join(' AND ')} ORDER BY e.at DESC LIMIT ${TRACE_EVENTS_MAX}))`;
}

/** An image as it may be asked for: `name`, `name:tag`, `sha256:…`, `name@sha256:…`, `name:tag@sha256:…`. */
function imageParts(text: string): (readonly [keyof typeof IMAGE, string])[] {
  if (/^sha\d+:[0-9a-f]{32,}$/i.test(text)) return [['digest', text.toLowerCase()]];
  const [named = '', digest] = factText(text).split('@', 2);
  return [
    ...(digest === undefined ? [] : ([['digest', digest]] as const)),
    ...(named === '' ? [] : ([[/:[^/:]*$/.test(named) ? 'tag' : 'name', named]] as const)),
  ];
}
