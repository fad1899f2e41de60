-- What was wrong with a sink last, and dead letters that are delivered again.

ALTER TABLE "audit_sinks"
  ADD COLUMN "last_error" TEXT,
  ADD COLUMN "last_error_at" TIMESTAMPTZ(3);

ALTER TABLE "audit_dead_letters"
  ADD COLUMN "replay_at" TIMESTAMPTZ(3),
  ADD COLUMN "taken_at" TIMESTAMPTZ(3),
  ADD CONSTRAINT "audit_dead_letters_taken_once" CHECK ("taken_at" IS NULL OR "replay_at" IS NULL);

-- Those that the sink has not: few, whatever it has taken since.
CREATE INDEX "audit_dead_letters_waiting" ON "audit_dead_letters" ("sink", "index") WHERE "taken_at" IS NULL;

GRANT UPDATE ("last_error", "last_error_at") ON "audit_sinks" TO hallpass_service;
-- Never which event it is nor of which sink. What a letter is of stays in the log, whatever is said of its delivery.
GRANT UPDATE ("reason", "at", "replay_at", "taken_at") ON "audit_dead_letters" TO hallpass_service;
