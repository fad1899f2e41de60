-- Sessions that are extended by another container, and sessions that end because nothing is typed in them.

INSERT INTO "end_reasons" ("name") VALUES ('idle');
INSERT INTO "transitions" ("from_state", "event", "to_state") VALUES
  ('active', 'extend', 'active'),
  ('active', 'move', 'active'),
  ('active', 'unextend', 'active'),
  ('active', 'retire', 'active'),
  ('active', 'escalate', 'active'),
  ('active', 'overrun', 'active'),
  ('active', 'idle', 'ending'),
  ('active', 'halt', 'ending');

ALTER TABLE "sessions"
  ADD COLUMN "extension" JSONB,
  ADD COLUMN "extensions" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "former_containers" JSONB NOT NULL DEFAULT '[]',
  -- However many replicas extend at once, and whatever they read: never more often than was granted.
  ADD CONSTRAINT "sessions_extended_as_granted" CHECK (
    "extensions" BETWEEN 0 AND coalesce(("grant"->'terms'->'extension'->>'times')::int, 0)
  ),
  ADD CONSTRAINT "sessions_extended_while_running" CHECK (
    "state" IN ('active', 'ending') OR ("extension" IS NULL AND "former_containers" = '[]')
  );

GRANT UPDATE ("extension", "extensions", "former_containers") ON "sessions" TO hallpass_service;
