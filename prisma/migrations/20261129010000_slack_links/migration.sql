-- Which Slack account is whose. A row is never taken away: a link that ended says when.
CREATE TABLE "slack_links" (
  "id" UUID NOT NULL,
  "team_id" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "linked_at" TIMESTAMPTZ(3) NOT NULL,
  "unlinked_at" TIMESTAMPTZ(3),
  CONSTRAINT "slack_links_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "slack_links_end_after_they_begin" CHECK ("unlinked_at" >= "linked_at")
);
-- One Slack account speaks for one person at a time, whatever is written at the same moment.
CREATE UNIQUE INDEX "slack_links_one_at_a_time" ON "slack_links" ("team_id", "user_id") WHERE "unlinked_at" IS NULL;
CREATE INDEX "slack_links_team_id_user_id_idx" ON "slack_links" ("team_id", "user_id");
CREATE INDEX "slack_links_iss_sub_idx" ON "slack_links" ("iss", "sub");

-- What is offered to a Slack account: its newest alone, by its SHA-256 alone.
CREATE TABLE "slack_link_codes" (
  "team_id" TEXT NOT NULL,
  "user_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "digest" TEXT NOT NULL,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "slack_link_codes_pkey" PRIMARY KEY ("team_id", "user_id"),
  CONSTRAINT "slack_link_codes_digest_is_one" CHECK ("digest" ~ '^[0-9a-f]{64}$')
);
CREATE UNIQUE INDEX "slack_link_codes_digest_key" ON "slack_link_codes" ("digest");
CREATE INDEX "slack_link_codes_expires_at_idx" ON "slack_link_codes" ("expires_at");

-- People are found by their e-mail where the configuration says so.
CREATE INDEX "people_email_idx" ON "people" (lower("person"->>'email'));

GRANT SELECT, INSERT, UPDATE ("unlinked_at") ON "slack_links" TO hallpass_service;
GRANT SELECT, INSERT, DELETE, UPDATE ("name", "digest", "expires_at") ON "slack_link_codes" TO hallpass_service;
