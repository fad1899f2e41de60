import type { z } from 'zod';
import type { AuditFilter } from '../../app/ports/audit.index.js';
import type { AuditSearchFilter } from '../../contract/audit-search.schema.js';
import { traceIdOf } from '../../domain/traceparent.js';

/** What the use cases take, from what a query or a body says. */
export function filterOf({
  from,
  until,
  breakGlass,
  trace,
  ...rest
}: z.infer<typeof AuditSearchFilter> & { readonly trace?: string }): AuditFilter {
  const traceId = trace === undefined ? undefined : traceIdOf(trace);
  return {
    ...rest,
    ...(breakGlass === undefined ? {} : { breakGlass: breakGlass === 'true' }),
    ...(traceId === undefined ? {} : { trace: traceId }),
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}
