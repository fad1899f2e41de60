-- Tickets that open one connection each, and who is watching at this moment. Neither is evidence: rows come and go.

CREATE TABLE "tickets" (
  -- SHA-256, hex. The ticket itself is nowhere.
  "digest" TEXT NOT NULL,
  "session_id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "bearer" JSONB NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "tickets_pkey" PRIMARY KEY ("digest"),
  CONSTRAINT "tickets_digest_is_one" CHECK ("digest" ~ '^[0-9a-f]{64}$'),
  CONSTRAINT "tickets_kind_is_known" CHECK ("kind" IN ('terminal', 'watch'))
);
CREATE INDEX "tickets_expires_at_idx" ON "tickets" ("expires_at");
CREATE INDEX "tickets_iss_sub_idx" ON "tickets" ("iss", "sub");
ALTER TABLE "tickets"
  ADD CONSTRAINT "tickets_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

CREATE TABLE "watchers" (
  "id" UUID NOT NULL,
  "session_id" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "since" TIMESTAMPTZ(3) NOT NULL,
  -- Who stays silent for a while is gone: the replica that spoke for them is.
  "seen_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "watchers_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "watchers_session_id_since_idx" ON "watchers" ("session_id", "since");
CREATE INDEX "watchers_seen_at_idx" ON "watchers" ("seen_at");
ALTER TABLE "watchers"
  ADD CONSTRAINT "watchers_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- Rows that are made anew or not at all: a ticket never changes.
GRANT SELECT, INSERT, DELETE ON "tickets" TO hallpass_service;
GRANT SELECT, INSERT, DELETE, UPDATE ("seen_at") ON "watchers" TO hallpass_service;
