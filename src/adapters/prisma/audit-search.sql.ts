import type pg from 'pg';
import type { AuditFilter } from '../../app/ports/audit.index.js';
import type { Places } from './audit-filter.sql.js';
import { BY_VALUE, whereOf } from './audit-filter.sql.js';

/** So many of the newest places are gone through one by one: in what is found often, a page is among them. */
const NEAR_PLACES = 50_000;
/** What is found in several indexes of millions must fit into it exactly; with less, rows are read to look again. */
export const SEARCH_MEMORY = '64MB';

/**
 * The parts of a search that are gone through one after the other. One fact has an index in the order of places. Several
 * together have none, nor have words: where the newest places have not enough with all of them, there may be none
 * among millions, so that they are looked up each in its index and put in order then.
 */
export function partsOf(
  filter: AuditFilter,
  { from = 0, before }: Places & { readonly before: number },
): { readonly near: Places; readonly far?: Places } {
  const middle = before - NEAR_PLACES;
  // The places of a trace are known before any is gone through.
  const isKnown = filter.trace !== undefined;
  if (isInOrder(filter) || isKnown || middle <= from) return { near: { from, before } };
  return { near: { from: middle, before }, far: { from, before: middle } };
}

function isInOrder({ from: _from, until: _until, session, ...facts }: AuditFilter): boolean {
  const asked = Object.entries({ session_id: session, ...facts }).filter(
    ([, value]) => value !== undefined,
  );
  const [only] = asked;
  return only === undefined || (asked.length === 1 && hasOrder(only[0]));
}

/** Those that broke the glass have an index of their own, in which there is nothing else. */
function hasOrder(name: string): boolean {
  return BY_VALUE.has(name) || name === 'breakGlass';
}

/** The newest of these places with what is found, the newest first. */
export async function foundIn(
  db: pg.Pool | pg.PoolClient,
  part: {
    readonly filter: AuditFilter;
    readonly within: Places;
    /** Whether they may be gone through in their order until there are enough; or all found, and then put in order. */
    readonly inOrder: boolean;
    readonly limit: number;
  },
): Promise<string[]> {
  const where = whereOf(part.filter, part.within);
  const { rows } = await db.query<{ index: string }>(
    `SELECT index FROM audit_facts WHERE ${where.sql}
     ORDER BY ${part.inOrder ? where.newest : 'index + 0 DESC'} LIMIT ${where.next}`,
    [...where.values, part.limit],
  );
  return rows.map(({ index }) => index);
}
