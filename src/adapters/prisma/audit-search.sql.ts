import type pg from 'pg';
import type { AuditFilter } from '../../app/ports/audit.index.js';
import type { Places } from './audit-filter.sql.js';
import { whereOf } from './audit-filter.sql.js';

/** So many of the newest places are gone through one by one: in what is found often, a page is among them. */
const NEAR_PLACES = 50_000;
/** What is found in several indexes of millions must fit into it exactly; with less, rows are read to look again. */
export const SEARCH_MEMORY = '64MB';

/**
 * The parts of a search that are gone through one after the other. Facts have indexes in the order of places. Words have
 * none: where the newest places have not enough with them, there are few, and all are looked up at once.
 */
export function partsOf(
  { text }: AuditFilter,
  { from = 0, before }: Places & { readonly before: number },
): { readonly near: Places; readonly far?: Places } {
  const middle = before - NEAR_PLACES;
  if (text === undefined || middle <= from) return { near: { from, before } };
  return { near: { from: middle, before }, far: { from, before: middle } };
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
