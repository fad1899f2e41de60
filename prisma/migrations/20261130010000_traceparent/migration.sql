-- Where in which trace a session was asked for (W3C Trace Context), so that any replica goes on in it.
-- Whoever ends sessions waits behind it: it gives up soon, and is tried again.
SET LOCAL lock_timeout = '2s';
ALTER TABLE "sessions" ADD COLUMN "traceparent" TEXT;

INSERT INTO "schema_compatibility" ("migration", "needs")
VALUES ('20261130010000_traceparent', '20261130000000_compatibility');
