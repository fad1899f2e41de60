-- Recordings of what passes through the broker: chunks that are only ever added, chained by digests, and dropped only by
-- a function that itself looks whether their time is over.

CREATE TABLE "recordings" (
  "id" TEXT NOT NULL,
  "session_id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "way" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "mode" TEXT NOT NULL,
  "header" TEXT NOT NULL,
  "input" BOOLEAN NOT NULL,
  "keep_seconds" INTEGER NOT NULL,
  "replica" TEXT NOT NULL,
  "started_at" TIMESTAMPTZ(3) NOT NULL,
  "beat_at" TIMESTAMPTZ(3) NOT NULL,
  "ended_at" TIMESTAMPTZ(3),
  "end" JSONB,
  "abandoned" BOOLEAN NOT NULL DEFAULT FALSE,
  "gaps" INTEGER NOT NULL DEFAULT 0,
  "held" BOOLEAN NOT NULL DEFAULT FALSE,
  "screen_at" TIMESTAMPTZ(3),
  "dropped_at" TIMESTAMPTZ(3),
  -- When chunks that lie elsewhere were gone, too.
  "purged_at" TIMESTAMPTZ(3),
  CONSTRAINT "recordings_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "recordings_id_is_ours" CHECK ("id" ~ '^[0-9a-hjkmnp-tv-z]{16}$'),
  CONSTRAINT "recordings_dropped_has_ended" CHECK ("dropped_at" IS NULL OR "ended_at" IS NOT NULL)
);
CREATE INDEX "recordings_session_id_started_at_idx" ON "recordings" ("session_id", "started_at");
CREATE INDEX "recordings_open" ON "recordings" ("beat_at") WHERE "ended_at" IS NULL;
CREATE INDEX "recordings_screen_unread" ON "recordings" ("ended_at") WHERE "ended_at" IS NOT NULL AND "screen_at" IS NULL AND "dropped_at" IS NULL;
CREATE INDEX "recordings_kept" ON "recordings" ("ended_at") WHERE "ended_at" IS NOT NULL AND "dropped_at" IS NULL AND NOT "held";

CREATE INDEX "recordings_unpurged" ON "recordings" ("dropped_at") WHERE "dropped_at" IS NOT NULL AND "purged_at" IS NULL;

-- The bytes are compressed already, and may be elsewhere: the digests stay here in any case.
CREATE TABLE "recording_chunks" (
  "recording_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "until_ms" BIGINT NOT NULL,
  "size" INTEGER NOT NULL,
  "digest" BYTEA NOT NULL,
  CONSTRAINT "recording_chunks_pkey" PRIMARY KEY ("recording_id", "seq"),
  CONSTRAINT "recording_chunks_digest_is_sha256" CHECK (octet_length("digest") = 32),
  CONSTRAINT "recording_chunks_seq_from_one" CHECK ("seq" >= 1)
);
CREATE TABLE "recording_bodies" (
  "recording_id" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "bytes" BYTEA NOT NULL,
  CONSTRAINT "recording_bodies_pkey" PRIMARY KEY ("recording_id", "seq")
);
ALTER TABLE "recording_bodies" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;

CREATE TABLE "recording_lines" (
  "recording_id" TEXT NOT NULL,
  "line" INTEGER NOT NULL,
  "at_ms" BIGINT NOT NULL,
  "text" TEXT NOT NULL,
  CONSTRAINT "recording_lines_pkey" PRIMARY KEY ("recording_id", "line")
);
-- By letters and digits: a path is found by each of its parts.
CREATE INDEX "recording_lines_words" ON "recording_lines" USING GIN (to_tsvector('simple', translate("text", '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~', repeat(' ', 32))));

ALTER TABLE "recordings"
  ADD CONSTRAINT "recordings_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "recording_chunks"
  ADD CONSTRAINT "recording_chunks_recording_id_fkey" FOREIGN KEY ("recording_id") REFERENCES "recordings" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "recording_bodies"
  ADD CONSTRAINT "recording_bodies_chunk_fkey" FOREIGN KEY ("recording_id", "seq") REFERENCES "recording_chunks" ("recording_id", "seq") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "recording_lines"
  ADD CONSTRAINT "recording_lines_recording_id_fkey" FOREIGN KEY ("recording_id") REFERENCES "recordings" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

DO $$
DECLARE
  append_only TEXT;
BEGIN
  FOREACH append_only IN ARRAY ARRAY['recording_chunks'] LOOP
    EXECUTE format('CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_rows"', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_table"', append_only);
  END LOOP;
END
$$;

-- An end is written once, and is now: else a recording's time could be over whenever somebody likes. Nor is anything
-- dropped, by whoever it be, before its time or while somebody holds it.
CREATE FUNCTION "recording_ends_once"() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."ended_at" IS NULL AND NEW."ended_at" IS NOT NULL THEN
    NEW."ended_at" := now();
  ELSIF NEW."ended_at" IS DISTINCT FROM OLD."ended_at"
    OR NEW."end" IS DISTINCT FROM OLD."end" OR NEW."abandoned" <> OLD."abandoned" THEN
    RAISE EXCEPTION 'the end of a recording is written once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW."dropped_at" IS DISTINCT FROM OLD."dropped_at" AND (
    OLD."dropped_at" IS NOT NULL OR OLD."held" OR OLD."ended_at" IS NULL
    OR OLD."ended_at" + make_interval(secs => OLD."keep_seconds") > now()
  ) THEN
    RAISE EXCEPTION 'a recording is kept until its time is over and nobody holds it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "recording_ends_once" BEFORE UPDATE ON "recordings" FOR EACH ROW EXECUTE FUNCTION "recording_ends_once"();
ALTER TABLE "recordings" ENABLE ALWAYS TRIGGER "recording_ends_once";

-- Nothing is added to a recording that has ended: its last digest is in the audit log.
CREATE FUNCTION "recording_is_open"() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM "recordings" WHERE "id" = NEW."recording_id" AND "ended_at" IS NULL FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the recording has ended' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "recording_is_open" BEFORE INSERT ON "recording_chunks" FOR EACH ROW EXECUTE FUNCTION "recording_is_open"();
ALTER TABLE "recording_chunks" ENABLE ALWAYS TRIGGER "recording_is_open";

-- What was recorded is never changed, and goes only with the whole recording.
CREATE FUNCTION "recording_body_stays"() RETURNS trigger
  LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM 1 FROM "recordings" WHERE "id" = OLD."recording_id" AND "dropped_at" IS NOT NULL;
    IF FOUND THEN
      RETURN OLD;
    END IF;
  END IF;
  RAISE EXCEPTION '% on % refused: what was recorded stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "recording_body_stays" BEFORE UPDATE OR DELETE ON "recording_bodies" FOR EACH ROW EXECUTE FUNCTION "recording_body_stays"();
CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON "recording_bodies" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "recording_bodies" ENABLE ALWAYS TRIGGER "recording_body_stays";
ALTER TABLE "recording_bodies" ENABLE ALWAYS TRIGGER "append_only_table";

-- Drops what was recorded where its time is over and nobody holds it; the chunks' digests stay. The service has no other
-- right to delete any of it.
CREATE FUNCTION "drop_recording"(which TEXT) RETURNS BOOLEAN
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  PERFORM 1 FROM recordings
    WHERE id = which AND ended_at IS NOT NULL AND dropped_at IS NULL AND NOT held
      AND ended_at + make_interval(secs => keep_seconds) <= now()
    FOR UPDATE;
  IF NOT FOUND THEN
    RETURN FALSE;
  END IF;
  UPDATE recordings SET dropped_at = now() WHERE id = which;
  DELETE FROM recording_bodies WHERE recording_id = which;
  DELETE FROM recording_lines WHERE recording_id = which;
  RETURN TRUE;
END
$$;
REVOKE ALL ON FUNCTION "drop_recording"(TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "drop_recording"(TEXT) TO hallpass_service;

GRANT SELECT, INSERT ON "recordings", "recording_chunks", "recording_bodies", "recording_lines" TO hallpass_service;
-- How it ends and is kept changes; what it is of, whose, and for how long does not.
GRANT UPDATE ("beat_at", "ended_at", "end", "abandoned", "gaps", "held", "screen_at", "purged_at") ON "recordings" TO hallpass_service;
