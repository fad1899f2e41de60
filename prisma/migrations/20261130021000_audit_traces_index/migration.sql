-- The events of a trace, the newest last. A body in canonical JSON ends with its traceparent, or has none. Of any bytes
-- there is a value or null, and never an error: whoever writes events runs this. One statement alone, in no transaction.
CREATE INDEX CONCURRENTLY "audit_events_trace_at_idx" ON "audit_events" (
  substring(encode(substring("body" from octet_length("body") - 71), 'escape') from '^"traceparent":"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"}$'),
  "at"
) WHERE substring(encode(substring("body" from octet_length("body") - 71), 'escape') from '^"traceparent":"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"}$') IS NOT NULL;
