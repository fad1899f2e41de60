-- Browsers that signed in: the SHA-256 of what their cookie holds. Rows come and go.
CREATE TABLE "web_sessions" (
  "digest" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "sign_in" JSONB NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "web_sessions_pkey" PRIMARY KEY ("digest"),
  CONSTRAINT "web_sessions_digest_is_one" CHECK ("digest" ~ '^[0-9a-f]{64}$')
);
CREATE INDEX "web_sessions_expires_at_idx" ON "web_sessions" ("expires_at");

GRANT SELECT, INSERT, DELETE ON "web_sessions" TO hallpass_service;
