import type { z } from 'zod';
import type { CsvCell } from '../domain/audit/csv.format.js';
import { csvCells } from '../domain/audit/csv.format.js';
import type { AccessLineView, AccessReportView } from './access-report.schema.js';
import type { BrokenGlassView } from './break-glass-report.schema.js';

/** Columns of a report as a table, in this order for good: what is new goes to the end. */
export type Columns<T> = readonly (readonly [heading: string, of: (row: T) => CsvCell])[];

type AccessRow = { readonly by: 'group' | 'namespace' } & z.infer<typeof AccessLineView>;

export const ACCESS_COLUMNS: Columns<AccessRow> = [
  ['by', ({ by }) => by],
  ['name', ({ name }) => name],
  ['people', ({ people }) => people],
  ['asked', ({ asked }) => asked],
  ['denied', ({ denied }) => denied],
  ['started', ({ started }) => started],
  ['broken_glass', ({ brokenGlass }) => brokenGlass],
  ['reviews_overdue', ({ reviewsOverdue }) => reviewsOverdue],
  ['last_asked_at', ({ lastAskedAt }) => lastAskedAt],
];

export function accessRows({ groups, namespaces }: z.infer<typeof AccessReportView>): AccessRow[] {
  return [
    ...groups.map((it) => ({ by: 'group' as const, ...it })),
    ...namespaces.map((it) => ({ by: 'namespace' as const, ...it })),
  ];
}

export const BROKEN_GLASS_COLUMNS: Columns<BrokenGlassView> = [
  ['session', ({ session }) => session],
  ['at', ({ at }) => at],
  ['issuer', ({ issuer }) => issuer],
  ['subject', ({ who }) => who.sub],
  ['name', ({ who }) => who.name ?? null],
  ['email', ({ who }) => who.email ?? null],
  ['cluster', ({ cluster }) => cluster],
  ['namespace', ({ namespace }) => namespace],
  ['pod', ({ pod }) => pod],
  ['profile', ({ profile }) => profile],
  ['rule', ({ rule }) => rule],
  ['reason', ({ reason }) => reason],
  ['ticket', ({ ticket }) => ticket],
  ['state', ({ state }) => state],
  ['started_at', ({ startedAt }) => startedAt],
  ['ended_at', ({ endedAt }) => endedAt],
  ['review', ({ review }) => review.state],
  ['review_due_at', ({ review }) => review.dueAt],
  ['finding', ({ review }) => review.finding],
  ['comment', ({ review }) => review.comment],
  ['reviewer', ({ review }) => review.reviewer?.sub ?? null],
  ['reviewed_at', ({ review }) => review.at],
];

/** A report as CSV (RFC 4180), its headings first. */
export function csvTable<T>(columns: Columns<T>, rows: readonly T[]): string {
  const lines = [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, of]) => of(row))),
  ];
  return lines.map((cells) => `${csvCells(cells)}\r\n`).join('');
}
