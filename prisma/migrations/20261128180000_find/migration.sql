-- What events are found by, taken from their bodies: it can be taken again, and proves nothing.
CREATE TABLE "audit_facts" (
  "index" BIGINT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "action" TEXT NOT NULL,
  "outcome" TEXT,
  "session_id" TEXT,
  "person_iss" TEXT,
  "person" TEXT,
  "email" TEXT,
  "approver" TEXT,
  "requester" TEXT,
  "cluster" TEXT,
  "namespace" TEXT,
  "workload" TEXT,
  "pod" TEXT,
  "image" TEXT,
  "rule" TEXT,
  "ticket" TEXT,
  "break_glass" BOOLEAN NOT NULL,
  "words" TSVECTOR NOT NULL,
  CONSTRAINT "audit_facts_pkey" PRIMARY KEY ("index"),
  CONSTRAINT "audit_facts_index_fkey" FOREIGN KEY ("index") REFERENCES "audit_leaves" ("index") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- Each gives the newest first, so that a page is read and no more than a page. Events without a value are in none.
CREATE INDEX "audit_facts_at_idx" ON "audit_facts" ("at");
CREATE INDEX "audit_facts_action_index_idx" ON "audit_facts" ("action", "index");
CREATE INDEX "audit_facts_outcome_index_idx" ON "audit_facts" ("outcome", "index") WHERE "outcome" <> 'success';
CREATE INDEX "audit_facts_session_id_index_idx" ON "audit_facts" ("session_id", "index") WHERE "session_id" IS NOT NULL;
CREATE INDEX "audit_facts_person_index_idx" ON "audit_facts" ("person", "index") WHERE "person" IS NOT NULL;
CREATE INDEX "audit_facts_email_index_idx" ON "audit_facts" ("email", "index") WHERE "email" IS NOT NULL;
CREATE INDEX "audit_facts_approver_index_idx" ON "audit_facts" ("approver", "index") WHERE "approver" IS NOT NULL;
CREATE INDEX "audit_facts_requester_index_idx" ON "audit_facts" ("requester", "index") WHERE "requester" IS NOT NULL;
CREATE INDEX "audit_facts_namespace_index_idx" ON "audit_facts" ("namespace", "index") WHERE "namespace" IS NOT NULL;
CREATE INDEX "audit_facts_cluster_index_idx" ON "audit_facts" ("cluster", "index") WHERE "cluster" IS NOT NULL;
CREATE INDEX "audit_facts_workload_index_idx" ON "audit_facts" ("workload", "index") WHERE "workload" IS NOT NULL;
CREATE INDEX "audit_facts_pod_index_idx" ON "audit_facts" ("pod", "index") WHERE "pod" IS NOT NULL;
CREATE INDEX "audit_facts_image_index_idx" ON "audit_facts" ("image", "index") WHERE "image" IS NOT NULL;
CREATE INDEX "audit_facts_rule_index_idx" ON "audit_facts" ("rule", "index") WHERE "rule" IS NOT NULL;
CREATE INDEX "audit_facts_ticket_index_idx" ON "audit_facts" ("ticket", "index") WHERE "ticket" IS NOT NULL;
CREATE INDEX "audit_facts_break_glass_idx" ON "audit_facts" ("index") WHERE "break_glass";
CREATE INDEX "audit_facts_words_idx" ON "audit_facts" USING gin ("words");

GRANT SELECT, INSERT ON "audit_facts" TO hallpass_service;
