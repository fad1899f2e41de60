-- Notices: each is one news for one channel. They outlive the news, whose rows are forgotten sooner.

CREATE TABLE "notices" (
  "id" BIGSERIAL NOT NULL,
  "news_id" BIGINT NOT NULL,
  "channel" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "thread" TEXT NOT NULL,
  "alarm" TEXT,
  "closes" TEXT[] NOT NULL DEFAULT '{}',
  "body" JSONB NOT NULL,
  "state" TEXT NOT NULL DEFAULT 'waiting',
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "done_at" TIMESTAMPTZ(3),
  "reason" TEXT,
  CONSTRAINT "notices_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "notices_once" UNIQUE ("news_id", "channel"),
  CONSTRAINT "notices_state" CHECK ("state" IN ('waiting', 'delivered', 'dead')),
  CONSTRAINT "notices_done" CHECK (("state" = 'waiting') = ("done_at" IS NULL)),
  CONSTRAINT "notices_why" CHECK ("state" <> 'dead' OR "reason" IS NOT NULL)
);
CREATE INDEX "notices_waiting" ON "notices" ("channel", "id") WHERE "state" = 'waiting';
CREATE INDEX "notices_thread" ON "notices" ("channel", "thread", "id") WHERE "state" = 'waiting';
CREATE INDEX "notices_alarm" ON "notices" ("channel", "alarm") WHERE "alarm" IS NOT NULL;
CREATE INDEX "notices_dead" ON "notices" ("channel") WHERE "state" = 'dead';
CREATE INDEX "notices_done_at" ON "notices" ("done_at") WHERE "done_at" IS NOT NULL;

-- What is done stays as it is done.
CREATE FUNCTION "notice_stays_done"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF OLD.state <> 'waiting' OR NEW.body IS DISTINCT FROM OLD.body OR NEW.channel <> OLD.channel OR NEW.news_id <> OLD.news_id THEN
    RAISE EXCEPTION 'the notice % is not changed any more', OLD.id;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "notice_stays_done" BEFORE UPDATE ON "notices" FOR EACH ROW EXECUTE FUNCTION "notice_stays_done"();

CREATE TABLE "notice_channels" (
  "name" TEXT NOT NULL,
  "fingerprint" TEXT,
  "holder" TEXT,
  "claimed_until" TIMESTAMPTZ(3),
  "failures" INTEGER NOT NULL DEFAULT 0,
  "failing_since" TIMESTAMPTZ(3),
  "last_error" TEXT,
  "resume_at" TIMESTAMPTZ(3),
  "delivered_at" TIMESTAMPTZ(3),
  "disabled_at" TIMESTAMPTZ(3),
  CONSTRAINT "notice_channels_pkey" PRIMARY KEY ("name")
);

-- What is wrong at this moment, and was told.
CREATE TABLE "incidents" (
  "key" TEXT NOT NULL,
  "begun_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  CONSTRAINT "incidents_pkey" PRIMARY KEY ("key")
);

GRANT SELECT, INSERT, UPDATE, DELETE ON "notices" TO hallpass_service;
GRANT USAGE ON SEQUENCE "notices_id_seq" TO hallpass_service;
GRANT SELECT, INSERT, UPDATE ON "notice_channels" TO hallpass_service;
GRANT SELECT, INSERT, DELETE ON "incidents" TO hallpass_service;
