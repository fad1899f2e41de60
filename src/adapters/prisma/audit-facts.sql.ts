import type pg from 'pg';
import type { Misfiled } from '../../app/ports/log.inspection.js';
import type { EventFacts, PlacedFacts } from '../../domain/audit/event.facts.js';

/** How each column of text is had from an event's facts. */
const TEXTS = {
  action: ({ action }) => action,
  outcome: ({ outcome }) => outcome,
  session_id: ({ session }) => session,
  person_iss: ({ person }) => person?.iss ?? null,
  person: ({ person }) => person?.sub ?? null,
  email: ({ email }) => email,
  approver: ({ person, isApproval }) => (isApproval ? (person?.sub ?? null) : null),
  requester: ({ requester }) => requester,
  cluster: ({ cluster }) => cluster,
  namespace: ({ namespace }) => namespace,
  workload: ({ workload }) => workload,
  pod: ({ pod }) => pod,
  image: ({ image }) => image,
  rule: ({ rule }) => rule,
  ticket: ({ ticket }) => ticket,
} as const satisfies Record<string, (facts: EventFacts) => string | null>;

const COLUMNS = Object.keys(TEXTS);
/** What rows of events have as well. */
const IN_ROWS: ReadonlySet<string> = new Set(['action', 'session_id']);

// What a body does not say is as its row has it: whatever it is, its place can be found.
const TAKEN = `
  SELECT t.index, coalesce(t.at, e.at) AS at, t.break_glass, to_tsvector('simple', t.words) AS words,
    ${COLUMNS.map((it) => (IN_ROWS.has(it) ? `coalesce(t.${it}, e.${it}) AS ${it}` : `t.${it}`)).join(', ')}
  FROM unnest($1::bigint[], $2::timestamptz[], $3::boolean[], $4::text[], ${COLUMNS.map((_, n) => `$${n + 5}::text[]`).join(', ')})
    AS t (index, at, break_glass, words, ${COLUMNS.join(', ')})
  JOIN audit_leaves l ON l.index = t.index JOIN audit_events e ON e.id = l.event_id`;
const ALL = ['index', 'at', 'break_glass', 'words', ...COLUMNS];
const INSERT = `INSERT INTO audit_facts (${ALL.join(', ')}) ${TAKEN} ON CONFLICT (index) DO NOTHING`;
const MISFILED = `
  SELECT s.index, f.index IS NULL AS missing
  FROM (${TAKEN}) AS s LEFT JOIN audit_facts f ON f.index = s.index
  WHERE (${ALL.map((it) => `s.${it}`).join(', ')}) IS DISTINCT FROM (${ALL.map((it) => `f.${it}`).join(', ')})
  ORDER BY s.index`;

/** Writes what events are found by, their places being there; what is written already stays. */
export async function writeFacts(
  db: pg.Pool | pg.PoolClient,
  placed: readonly PlacedFacts[],
): Promise<void> {
  if (placed.length === 0) return;
  await db.query(INSERT, valuesOf(placed));
}

/** The places whose row is not what their event says, and whether there is none at all. */
export async function misfiledFacts(
  db: pg.Pool | pg.PoolClient,
  placed: readonly PlacedFacts[],
): Promise<Misfiled[]> {
  if (placed.length === 0) return [];
  const { rows } = await db.query<{ index: string; missing: boolean }>(MISFILED, valuesOf(placed));
  return rows.map(({ index, missing }) => ({
    index: Number(index),
    isMissing: missing,
    isPastTime: false,
  }));
}

function valuesOf(placed: readonly PlacedFacts[]): unknown[] {
  return [
    placed.map(({ index }) => index),
    placed.map(({ facts }) => facts.at),
    placed.map(({ facts }) => facts.breakGlass),
    placed.map(({ facts }) => facts.words),
    ...Object.values(TEXTS).map((of) => placed.map(({ facts }) => of(facts))),
  ];
}
