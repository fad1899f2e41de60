import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Columns } from '../../contract/report.tables.js';
import { csvTable } from '../../contract/report.tables.js';

const CSV = 'text/csv; charset=utf-8; header=present';

/** Whether the caller wants CSV: says so in the query, or else names it, and no JSON, in `Accept`. */
export function wantsCsv(request: FastifyRequest, format: 'json' | 'csv' | undefined): boolean {
  if (format !== undefined) return format === 'csv';
  const accept = request.headers.accept ?? '';
  return /\btext\/csv\b/i.test(accept) && !/\bapplication\/json\b/i.test(accept);
}

/** A report as a file of CSV. Its name is for people who save it. */
export function csvAnswer<T>(
  reply: FastifyReply,
  { name, columns, rows }: { name: string; columns: Columns<T>; rows: readonly T[] },
): string {
  void reply
    .type(CSV)
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .header('vary', 'Accept');
  return csvTable(columns, rows);
}
