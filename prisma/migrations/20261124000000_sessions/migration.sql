-- Sessions, their events, decisions, the audit log, policy sets, idempotency keys and the outbox.

-- The group role of the running service. Whoever migrates grants it to the login that the service uses.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hallpass_service') THEN
    CREATE ROLE hallpass_service NOLOGIN;
  END IF;
EXCEPTION
  -- Roles belong to the whole server: another database may be migrated at this very moment.
  WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

CREATE TABLE "session_states" (
  "name" TEXT NOT NULL,
  CONSTRAINT "session_states_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "end_reasons" (
  "name" TEXT NOT NULL,
  CONSTRAINT "end_reasons_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "transitions" (
  "from_state" TEXT NOT NULL,
  "event" TEXT NOT NULL,
  "to_state" TEXT NOT NULL,
  CONSTRAINT "transitions_pkey" PRIMARY KEY ("from_state", "event", "to_state")
);

CREATE TABLE "policy_sets" (
  "hash" TEXT NOT NULL,
  "documents" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "policy_sets_pkey" PRIMARY KEY ("hash"),
  CONSTRAINT "policy_sets_hash_is_sha256" CHECK ("hash" ~ '^[0-9a-f]{64}$')
);

CREATE TABLE "sessions" (
  "id" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "state" TEXT NOT NULL,
  "cluster" TEXT NOT NULL,
  "namespace" TEXT NOT NULL,
  "requester_iss" TEXT NOT NULL,
  "requester_sub" TEXT NOT NULL,
  "requester" JSONB NOT NULL,
  "request" JSONB NOT NULL,
  "pin" JSONB,
  "policy_hash" TEXT,
  "grant" JSONB,
  "approver_groups" TEXT[],
  "container" JSONB,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  "updated_at" TIMESTAMPTZ(3) NOT NULL,
  "lapses_at" TIMESTAMPTZ(3),
  "starting_at" TIMESTAMPTZ(3),
  "started_at" TIMESTAMPTZ(3),
  "deadline_at" TIMESTAMPTZ(3),
  "ending_at" TIMESTAMPTZ(3),
  "ended_at" TIMESTAMPTZ(3),
  "end_reason" TEXT,
  "end_detail" TEXT,
  "due_at" TIMESTAMPTZ(3),
  "lease_owner" TEXT,
  "lease_until" TIMESTAMPTZ(3),
  CONSTRAINT "sessions_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "sessions_id_is_ours" CHECK ("id" ~ '^[0-9a-hjkmnp-tv-z]{16}$'),
  CONSTRAINT "sessions_running_has_container" CHECK ("state" NOT IN ('starting', 'active', 'ending') OR "container" IS NOT NULL),
  CONSTRAINT "sessions_active_has_deadline" CHECK ("state" <> 'active' OR "deadline_at" IS NOT NULL),
  CONSTRAINT "sessions_ended_has_reason" CHECK ("state" NOT IN ('ending', 'ended') OR "end_reason" IS NOT NULL),
  CONSTRAINT "sessions_final_is_not_due" CHECK ("state" NOT IN ('denied', 'ended') OR "due_at" IS NULL)
);

CREATE TABLE "session_events" (
  "session_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "prev_seq" INTEGER,
  "from_state" TEXT NOT NULL,
  "event" TEXT NOT NULL,
  "to_state" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "actor" JSONB NOT NULL,
  "data" JSONB NOT NULL,
  CONSTRAINT "session_events_pkey" PRIMARY KEY ("session_id", "seq"),
  CONSTRAINT "session_events_follow" CHECK ("prev_seq" IS NOT DISTINCT FROM NULLIF("seq", 1) - 1),
  CONSTRAINT "session_events_begin_new" CHECK (("seq" = 1) = ("from_state" = 'new'))
);

CREATE TABLE "decisions" (
  "id" UUID NOT NULL,
  "session_id" TEXT NOT NULL,
  "by" TEXT NOT NULL,
  "verdict" TEXT NOT NULL,
  "iss" TEXT,
  "sub" TEXT,
  "person" JSONB,
  "comment" TEXT,
  "rule" TEXT,
  "policy_hash" TEXT,
  "explanation" JSONB NOT NULL,
  "seen_version" INTEGER,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "decisions_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "decisions_by_whom" CHECK (
    ("by" = 'policy' AND "verdict" IN ('grant', 'hold', 'refuse') AND "policy_hash" IS NOT NULL)
    OR ("by" = 'person' AND "verdict" IN ('approve', 'deny') AND "iss" IS NOT NULL AND "sub" IS NOT NULL)
  )
);

CREATE TABLE "audit_events" (
  "id" UUID NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "action" TEXT NOT NULL,
  "session_id" TEXT,
  "body" BYTEA NOT NULL,
  "leaf_hash" BYTEA NOT NULL,
  CONSTRAINT "audit_events_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "audit_events_body_fits" CHECK (octet_length("body") BETWEEN 2 AND 65535),
  CONSTRAINT "audit_events_leaf_is_of_body" CHECK ("leaf_hash" = sha256('\x00'::bytea || "body"))
);

CREATE TABLE "idempotency_keys" (
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "request_hash" TEXT NOT NULL,
  "session_id" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("iss", "sub", "key")
);

CREATE TABLE "outbox" (
  "id" BIGSERIAL NOT NULL,
  "topic" TEXT NOT NULL,
  "session_id" TEXT,
  "seq" INTEGER,
  "payload" JSONB NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL,
  "delivered_at" TIMESTAMPTZ(3),
  CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "sessions_id_version_state_key" ON "sessions" ("id", "version", "state");
CREATE INDEX "sessions_created_at_id_idx" ON "sessions" ("created_at", "id");
CREATE INDEX "sessions_requester_iss_requester_sub_created_at_idx" ON "sessions" ("requester_iss", "requester_sub", "created_at");
CREATE INDEX "sessions_approver_groups_idx" ON "sessions" USING GIN ("approver_groups");
CREATE INDEX "sessions_due_at_idx" ON "sessions" ("due_at");
CREATE UNIQUE INDEX "session_events_session_id_seq_to_state_key" ON "session_events" ("session_id", "seq", "to_state");
CREATE INDEX "decisions_session_id_at_idx" ON "decisions" ("session_id", "at");
-- One consent of a person on a session, whatever races: four eyes are four eyes.
CREATE UNIQUE INDEX "decisions_one_consent" ON "decisions" ("session_id", "iss", "sub") WHERE "verdict" = 'approve';
CREATE INDEX "audit_events_at_id_idx" ON "audit_events" ("at", "id");
CREATE INDEX "audit_events_session_id_at_id_idx" ON "audit_events" ("session_id", "at", "id");
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys" ("created_at");
CREATE INDEX "outbox_undelivered" ON "outbox" ("id") WHERE "delivered_at" IS NULL;

ALTER TABLE "sessions"
  ADD CONSTRAINT "sessions_state_fkey" FOREIGN KEY ("state") REFERENCES "session_states" ("name") ON DELETE NO ACTION ON UPDATE NO ACTION,
  ADD CONSTRAINT "sessions_end_reason_fkey" FOREIGN KEY ("end_reason") REFERENCES "end_reasons" ("name") ON DELETE NO ACTION ON UPDATE NO ACTION,
  ADD CONSTRAINT "sessions_policy_hash_fkey" FOREIGN KEY ("policy_hash") REFERENCES "policy_sets" ("hash") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "session_events"
  ADD CONSTRAINT "session_events_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  ADD CONSTRAINT "session_events_from_state_event_to_state_fkey" FOREIGN KEY ("from_state", "event", "to_state") REFERENCES "transitions" ("from_state", "event", "to_state") ON DELETE NO ACTION ON UPDATE NO ACTION,
  -- Each step begins where the one before it ended: the events of a session are a path through the machine.
  ADD CONSTRAINT "session_events_session_id_prev_seq_from_state_fkey" FOREIGN KEY ("session_id", "prev_seq", "from_state") REFERENCES "session_events" ("session_id", "seq", "to_state") ON DELETE NO ACTION ON UPDATE NO ACTION;
-- A session's state is where its newest event ended: no write can set a state without a legal step.
ALTER TABLE "sessions"
  ADD CONSTRAINT "sessions_id_version_state_fkey" FOREIGN KEY ("id", "version", "state") REFERENCES "session_events" ("session_id", "seq", "to_state") ON DELETE NO ACTION ON UPDATE NO ACTION DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "decisions"
  ADD CONSTRAINT "decisions_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  ADD CONSTRAINT "decisions_policy_hash_fkey" FOREIGN KEY ("policy_hash") REFERENCES "policy_sets" ("hash") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "idempotency_keys"
  ADD CONSTRAINT "idempotency_keys_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- The rows of domain/session/session.machine.ts; a test holds the two together.
INSERT INTO "session_states" ("name") VALUES
  ('pending'), ('approved'), ('denied'), ('starting'), ('active'), ('ending'), ('ended');
INSERT INTO "end_reasons" ("name") VALUES
  ('deadline'), ('left'), ('withdrawn'), ('revoked'), ('lapsed'), ('pod-gone'), ('start-failed'), ('recording-failed'), ('access-removed');
INSERT INTO "transitions" ("from_state", "event", "to_state") VALUES
  ('new', 'ask', 'pending'),
  ('new', 'grant', 'approved'),
  ('new', 'refuse', 'denied'),
  ('pending', 'consent', 'pending'),
  ('pending', 'approve', 'approved'),
  ('pending', 'deny', 'denied'),
  ('pending', 'withdraw', 'ended'),
  ('pending', 'revoke', 'ended'),
  ('pending', 'lapse', 'ended'),
  ('approved', 'start', 'starting'),
  ('approved', 'withdraw', 'ended'),
  ('approved', 'revoke', 'ended'),
  ('approved', 'lapse', 'ended'),
  ('approved', 'fail', 'ended'),
  ('starting', 'run', 'active'),
  ('starting', 'reject', 'ended'),
  ('starting', 'fail', 'ending'),
  ('starting', 'withdraw', 'ending'),
  ('starting', 'revoke', 'ending'),
  ('active', 'note', 'active'),
  ('active', 'expire', 'ending'),
  ('active', 'leave', 'ending'),
  ('active', 'revoke', 'ending'),
  ('active', 'stop', 'ended'),
  ('ending', 'escalate', 'ending'),
  ('ending', 'overrun', 'ending'),
  ('ending', 'finish', 'ended');

-- Append-only tables. The triggers fire for every role and under session_replication_role = replica too.
CREATE FUNCTION "refuse_change"() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: what is written there stays', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;

DO $$
DECLARE
  append_only TEXT;
BEGIN
  FOREACH append_only IN ARRAY ARRAY['audit_events', 'session_events', 'decisions', 'policy_sets', 'transitions', 'session_states', 'end_reasons'] LOOP
    EXECUTE format('CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_rows"', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_table"', append_only);
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA "public" TO hallpass_service;
GRANT SELECT ON "session_states", "end_reasons", "transitions" TO hallpass_service;
GRANT SELECT, INSERT ON "audit_events", "session_events", "decisions", "policy_sets" TO hallpass_service;
GRANT SELECT, INSERT ON "sessions" TO hallpass_service;
-- Who asked, for what, and what was granted stay as they were written.
GRANT UPDATE ("version", "state", "container", "updated_at", "lapses_at", "starting_at", "started_at", "deadline_at", "ending_at", "ended_at", "end_reason", "end_detail", "due_at", "lease_owner", "lease_until") ON "sessions" TO hallpass_service;
GRANT SELECT, INSERT, DELETE ON "idempotency_keys" TO hallpass_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON "outbox" TO hallpass_service;
GRANT USAGE ON SEQUENCE "outbox_id_seq" TO hallpass_service;
