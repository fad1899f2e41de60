import type { z } from 'zod';
import type { AuditFilter } from '../../app/ports/audit.index.js';
import type { AuditSearchFilter } from '../../contract/audit-search.schema.js';

/** What the use cases take, from what a query or a body says. */
export function filterOf({
  from,
  until,
  breakGlass,
  ...rest
}: z.infer<typeof AuditSearchFilter>): AuditFilter {
  return {
    ...rest,
    ...(breakGlass === undefined ? {} : { breakGlass: breakGlass === 'true' }),
    ...(from === undefined ? {} : { from: new Date(from) }),
    ...(until === undefined ? {} : { until: new Date(until) }),
  };
}
