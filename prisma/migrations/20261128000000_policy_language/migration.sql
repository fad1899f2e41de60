-- What the policy language needs: facts beside decisions, sets that are switched, people's groups as last seen, sessions
-- that are alike or limited in number, consents that are taken back or widened, and the reviews that broken glass owes.

ALTER TABLE "sessions"
  ADD COLUMN "requester_human" TEXT,
  ADD COLUMN "profile" TEXT,
  ADD COLUMN "target_key" TEXT,
  ADD COLUMN "target_container" TEXT,
  ADD COLUMN "pod_uid" TEXT,
  ADD COLUMN "break_glass" BOOLEAN NOT NULL DEFAULT FALSE,
  ADD COLUMN "approver_users" TEXT[],
  ADD COLUMN "escalated_at" TIMESTAMPTZ(3);
UPDATE "sessions" SET
  "profile" = "request"->>'profile',
  -- Those from before are like nothing else.
  "target_key" = "id",
  "target_container" = coalesce("request"->>'container', ''),
  "pod_uid" = CASE WHEN "state" IN ('denied', 'ended') THEN "pin"->>'podUid' END;
ALTER TABLE "sessions"
  ALTER COLUMN "profile" SET NOT NULL,
  ALTER COLUMN "target_key" SET NOT NULL,
  ALTER COLUMN "target_container" SET NOT NULL;

-- Requests that are alike are one: the same person, target and profile, as asked for or as the Pod that was found.
CREATE UNIQUE INDEX "sessions_alike_as_asked" ON "sessions"
  ("requester_iss", "requester_sub", "cluster", "namespace", "target_key", "target_container", "profile", "break_glass")
  WHERE "state" IN ('pending', 'approved', 'starting', 'active');
CREATE UNIQUE INDEX "sessions_alike_as_found" ON "sessions"
  ("requester_iss", "requester_sub", "cluster", "pod_uid", "target_container", "profile", "break_glass")
  WHERE "state" IN ('pending', 'approved', 'starting', 'active');
-- The open ones, among all that ever were.
CREATE INDEX "sessions_open_idx" ON "sessions" ("id", "state") WHERE "state" NOT IN ('denied', 'ended');
CREATE INDEX "sessions_requester_human_created_at_idx" ON "sessions" ("requester_human", "created_at");
CREATE INDEX "sessions_cluster_pod_uid_created_at_idx" ON "sessions" ("cluster", "pod_uid", "created_at");
-- Open sessions are few, however many there were: they are counted while others wait.
CREATE INDEX "sessions_open_of_account" ON "sessions" ("requester_iss", "requester_sub") WHERE "state" NOT IN ('denied', 'ended');
CREATE INDEX "sessions_open_of_human" ON "sessions" ("requester_human") WHERE "state" NOT IN ('denied', 'ended');
CREATE INDEX "sessions_open_on_pod" ON "sessions" ("cluster", "pod_uid") WHERE "state" NOT IN ('denied', 'ended');
CREATE INDEX "sessions_break_glass_created_at" ON "sessions" ("created_at", "id") WHERE "break_glass";
CREATE INDEX "sessions_approver_users_idx" ON "sessions" USING GIN ("approver_users");

ALTER TABLE "decisions" ADD COLUMN "facts" JSONB;
ALTER TABLE "decisions" DROP CONSTRAINT "decisions_by_whom";
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_by_whom" CHECK (
  ("by" = 'policy' AND "verdict" IN ('grant', 'hold', 'refuse') AND "policy_hash" IS NOT NULL)
  OR ("by" = 'person' AND "verdict" IN ('approve', 'deny', 'retract') AND "iss" IS NOT NULL AND "sub" IS NOT NULL)
);
-- One consent of a person on what they saw, whatever races. Who took it back may give it again on a later version.
DROP INDEX "decisions_one_consent";
CREATE UNIQUE INDEX "decisions_one_consent" ON "decisions" ("session_id", "iss", "sub", "seen_version") WHERE "verdict" = 'approve';
CREATE INDEX "decisions_at_idx" ON "decisions" ("at") WHERE "by" = 'policy';

-- Which set is in force: the newest row. All replicas go by it.
CREATE TABLE "policy_activations" (
  "seq" BIGSERIAL NOT NULL,
  "hash" TEXT NOT NULL,
  "replica" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "policy_activations_pkey" PRIMARY KEY ("seq")
);
CREATE INDEX "policy_activations_hash_seq_idx" ON "policy_activations" ("hash", "seq");
ALTER TABLE "policy_activations"
  ADD CONSTRAINT "policy_activations_hash_fkey" FOREIGN KEY ("hash") REFERENCES "policy_sets" ("hash") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Documents that were refused, by their content, so that each is told once in the audit log and not by every replica.
CREATE TABLE "policy_refusals" (
  "content" TEXT NOT NULL,
  "audit_id" UUID NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "policy_refusals_pkey" PRIMARY KEY ("content")
);

-- People as their newest token said: whose consent still counts, and whose access is gone.
CREATE TABLE "people" (
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "issued_at" TIMESTAMPTZ(3) NOT NULL,
  "seen_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "people_pkey" PRIMARY KEY ("iss", "sub")
);

-- What broken glass owes, and what was paid.
CREATE TABLE "review_debts" (
  "session_id" TEXT NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "human" TEXT,
  "team" TEXT,
  "due_at" TIMESTAMPTZ(3) NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "review_debts_pkey" PRIMARY KEY ("session_id")
);
CREATE UNIQUE INDEX "review_debts_session_id_iss_sub_key" ON "review_debts" ("session_id", "iss", "sub");
CREATE INDEX "review_debts_due_at_session_id_idx" ON "review_debts" ("due_at", "session_id");
CREATE INDEX "review_debts_iss_sub_idx" ON "review_debts" ("iss", "sub");
CREATE TABLE "reviews" (
  "session_id" TEXT NOT NULL,
  "debtor_iss" TEXT NOT NULL,
  "debtor_sub" TEXT NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "finding" TEXT NOT NULL,
  "comment" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "reviews_pkey" PRIMARY KEY ("session_id"),
  CONSTRAINT "reviews_finding_is_known" CHECK ("finding" IN ('justified', 'avoidable', 'misuse')),
  CONSTRAINT "reviews_by_another" CHECK ("iss" <> "debtor_iss" OR "sub" <> "debtor_sub")
);
CREATE UNIQUE INDEX "reviews_session_id_debtor_iss_debtor_sub_key" ON "reviews" ("session_id", "debtor_iss", "debtor_sub");
ALTER TABLE "review_debts"
  ADD CONSTRAINT "review_debts_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "reviews"
  ADD CONSTRAINT "reviews_session_id_debtor_iss_debtor_sub_fkey" FOREIGN KEY ("session_id", "debtor_iss", "debtor_sub") REFERENCES "review_debts" ("session_id", "iss", "sub") ON DELETE NO ACTION ON UPDATE NO ACTION;

INSERT INTO "transitions" ("from_state", "event", "to_state") VALUES
  ('new', 'break-glass', 'approved'),
  ('pending', 'retract', 'pending'),
  ('pending', 'widen', 'pending'),
  ('approved', 'retract', 'pending');

DO $$
DECLARE
  append_only TEXT;
BEGIN
  FOREACH append_only IN ARRAY ARRAY['policy_activations', 'policy_refusals', 'review_debts', 'reviews'] LOOP
    EXECUTE format('CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_rows"', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_table"', append_only);
  END LOOP;
END
$$;

GRANT SELECT, INSERT ON "policy_activations", "policy_refusals", "review_debts", "reviews" TO hallpass_service;
GRANT USAGE ON SEQUENCE "policy_activations_seq_seq" TO hallpass_service;
GRANT SELECT, INSERT, UPDATE ON "people" TO hallpass_service;
-- When consents are asked of more people, they see the session too.
GRANT UPDATE ("escalated_at", "approver_groups", "approver_users") ON "sessions" TO hallpass_service;
