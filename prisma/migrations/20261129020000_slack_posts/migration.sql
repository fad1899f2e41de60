-- What Slack has to be told, and the messages there that are kept true.

CREATE TABLE "slack_turns" (
  "session_id" TEXT NOT NULL,
  "wanted" BIGINT NOT NULL DEFAULT 1,
  "due_at" TIMESTAMPTZ(3),
  "wanted_at" TIMESTAMPTZ(3),
  "failures" INTEGER NOT NULL DEFAULT 0,
  "holder" TEXT,
  "held_until" TIMESTAMPTZ(3),
  CONSTRAINT "slack_turns_pkey" PRIMARY KEY ("session_id"),
  CONSTRAINT "slack_turns_session_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE INDEX "slack_turns_due_at_idx" ON "slack_turns" ("due_at");

CREATE TABLE "slack_posts" (
  "id" UUID NOT NULL,
  "session_id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "target" TEXT NOT NULL,
  "about" TEXT NOT NULL DEFAULT '',
  "state" TEXT NOT NULL,
  "channel" TEXT,
  "ts" TEXT,
  "digest" TEXT,
  "word" TEXT,
  "losses" INTEGER NOT NULL DEFAULT 0,
  "tried_at" TIMESTAMPTZ(3),
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "slack_posts_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "slack_posts_session_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "slack_posts_state" CHECK ("state" IN ('wanted', 'tried', 'posted', 'gone')),
  CONSTRAINT "slack_posts_placed" CHECK ("state" <> 'posted' OR ("channel" IS NOT NULL AND "ts" IS NOT NULL))
);
-- Each of them once, whoever is about to write it.
CREATE UNIQUE INDEX "slack_posts_session_id_kind_target_about_key" ON "slack_posts" ("session_id", "kind", "target", "about");
CREATE INDEX "slack_posts_gone_idx" ON "slack_posts" ("session_id") WHERE "state" = 'gone';
-- Whose message was pressed or answered.
CREATE INDEX "slack_posts_channel_ts_idx" ON "slack_posts" ("channel", "ts");

GRANT SELECT, INSERT, UPDATE ON "slack_turns" TO hallpass_service;
GRANT SELECT, INSERT, UPDATE ON "slack_posts" TO hallpass_service;
