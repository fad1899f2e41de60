import { canonicalJson } from './canonical.js';
import type { Fields, LoggedEvent } from './logged.event.js';
import { within } from './logged.event.js';

type Column = readonly [heading: string, of: (event: LoggedEvent) => Fields[string]];

const member =
  (...path: readonly [...string[], string]) =>
  ({ fields }: LoggedEvent): Fields[string] =>
    path.slice(0, -1).reduce(within, fields)[path.at(-1) ?? ''];

/** In this order, for good: what is new goes to the end. */
const COLUMNS: readonly Column[] = [
  ['place', ({ index }) => index],
  ['time', member('time')],
  ['id', member('id')],
  ['action', member('action')],
  ['outcome', member('outcome')],
  ['actor_kind', member('actor', 'kind')],
  ['actor_issuer', member('actor', 'iss')],
  ['actor_subject', member('actor', 'sub')],
  ['actor_email', member('actor', 'email')],
  ['channel', member('actor', 'channel')],
  ['address', member('actor', 'address')],
  ['replica', member('actor', 'replica')],
  ['session', member('session')],
  ['cluster', member('target', 'cluster')],
  ['namespace', member('target', 'namespace')],
  ['pod', member('target', 'pod')],
  ['pod_uid', member('target', 'podUid')],
  ['container', member('target', 'container')],
  ['debug_container', member('target', 'debugContainer')],
  ['image', member('target', 'image')],
  ['profile', member('target', 'profile')],
  ['rule', member('policy', 'rule')],
  ['policy_version', member('policy', 'version')],
  ['decision', member('decision')],
  ['break_glass', member('breakGlass')],
  ['reason', member('reason')],
  ['ticket', member('ticket')],
  ['data', member('data')],
  ['dropped', member('dropped')],
  ['traceparent', member('traceparent')],
];

export const CSV_HEADER = COLUMNS.map(([heading]) => heading).join(',');

/** What makes a formula of a cell in spreadsheets. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * One line of RFC 4180, without its end. What people typed never becomes a formula: an apostrophe goes before what would
 * be one.
 */
export function csvLine(event: LoggedEvent): string {
  return COLUMNS.map(([, of]) => cell(of(event))).join(',');
}

/** What a cell of a report may hold. */
export type CsvCell = string | number | boolean | null;

/** One line of RFC 4180, without its end, of whatever report: what people typed is no formula there either. */
export function csvCells(cells: readonly CsvCell[]): string {
  return cells.map(cell).join(',');
}

function cell(value: Fields[string]): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') return quoted(canonicalJson(value));
  return quoted(FORMULA.test(value) ? `'${value}` : value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
