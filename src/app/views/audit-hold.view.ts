import type { AuditHoldView } from '../../contract/audit-hold.schema.js';
import type { AuditHold } from '../ports/audit.holds.js';

/** A hold as it stands, or stood. */
export function auditHoldView(hold: AuditHold): AuditHoldView {
  return {
    id: hold.id,
    session: hold.session,
    from: hold.from?.toISOString() ?? null,
    until: hold.until?.toISOString() ?? null,
    reason: hold.reason,
    ticket: hold.ticket,
    by: hold.by,
    at: hold.at.toISOString(),
  };
}
