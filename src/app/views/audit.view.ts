import type { AuditEventView } from '../../contract/audit.schema.js';
import type { AuditRecord } from '../ports/audit.log.js';

/** One event of the audit log. */
export function auditEventView(record: AuditRecord): AuditEventView {
  return {
    id: record.id,
    at: record.at.toISOString(),
    action: record.action,
    session: record.sessionId,
    body: record.body,
    dropped: record.body === null,
    leafHash: record.leafHash.toString('hex'),
  };
}
