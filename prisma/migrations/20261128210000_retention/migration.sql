-- Bodies of audit events may go at the end of their time, and their hashes stay. The database itself looks whether it is
-- over, whoever asks; and nothing goes of which no event says so.

ALTER TABLE "audit_events" ALTER COLUMN "body" DROP NOT NULL;

-- By the database's own clock, which no replica sets. Those of before count from what their events say.
ALTER TABLE "audit_leaves" ADD COLUMN "placed_at" TIMESTAMPTZ(3);
ALTER TABLE "audit_leaves" ALTER COLUMN "placed_at" SET DEFAULT now();

-- Whoever has to keep what happened: of a session, of a time, or all where neither is said.
CREATE TABLE "audit_holds" (
  "id" UUID NOT NULL,
  "session_id" TEXT,
  "from_at" TIMESTAMPTZ(3),
  "until_at" TIMESTAMPTZ(3),
  "reason" TEXT NOT NULL,
  "ticket" TEXT,
  "held_by" JSONB NOT NULL,
  "held_at" TIMESTAMPTZ(3) NOT NULL,
  "released_at" TIMESTAMPTZ(3),
  CONSTRAINT "audit_holds_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "audit_holds_of_some_time" CHECK ("from_at" < "until_at")
);
CREATE INDEX "audit_holds_standing" ON "audit_holds" ("session_id") WHERE "released_at" IS NULL;

-- A hold is never another than it was, and is released once.
CREATE FUNCTION "audit_hold_stays"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.released_at IS NULL
    AND (to_jsonb(NEW) - 'released_at') = (to_jsonb(OLD) - 'released_at') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% of a hold is refused: it stays as it was', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "audit_hold_stays" BEFORE UPDATE OR DELETE ON "audit_holds" FOR EACH ROW EXECUTE FUNCTION "audit_hold_stays"();
CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON "audit_holds" FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "audit_holds" ENABLE ALWAYS TRIGGER "audit_hold_stays";
ALTER TABLE "audit_holds" ENABLE ALWAYS TRIGGER "append_only_table";

-- Whether anybody holds what happened, in a session or in none, from one moment to another.
CREATE FUNCTION "audit_is_held"("which" TEXT, "began" TIMESTAMPTZ, "ended" TIMESTAMPTZ) RETURNS BOOLEAN
  LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  SELECT EXISTS (
    SELECT FROM audit_holds
    WHERE released_at IS NULL AND (session_id IS NULL OR session_id = which)
      AND (from_at IS NULL OR ended >= from_at) AND (until_at IS NULL OR began < until_at)
  )
$$;

-- Whether the body of an event may go that is older than `cutoff`. Never within thirty days, by this database's clock; nor
-- that of an event which no checkpoint covers, which cannot be found yet, which is held, or of whose session a recording
-- is still there. What tells of bodies that went always stays.
CREATE FUNCTION "audit_body_may_go"("which" UUID, "cutoff" TIMESTAMPTZ) RETURNS BOOLEAN
  LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  SELECT cutoff <= now() - interval '30 days' AND EXISTS (
    SELECT FROM audit_events e JOIN audit_leaves l ON l.event_id = e.id JOIN audit_facts f ON f.index = l.index
    WHERE e.id = which AND e.action <> 'audit.dropped'
      AND e.at < cutoff AND coalesce(l.placed_at, e.at) < cutoff
      AND l.index < (SELECT max(size) FROM audit_checkpoints)
      AND NOT audit_is_held(e.session_id, e.at, e.at)
      AND NOT EXISTS (SELECT FROM recordings r WHERE r.session_id = e.session_id AND r.dropped_at IS NULL)
  )
$$;

-- What is written stays, but for a body at the end of its time: by whoever it be, and nothing else with it.
CREATE FUNCTION "audit_event_stays"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.body IS NOT NULL AND NEW.body IS NULL
    AND (NEW.id, NEW.at, NEW.action, NEW.session_id, NEW.leaf_hash)
      IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.action, OLD.session_id, OLD.leaf_hash)
    AND audit_body_may_go(OLD.id, now() - interval '30 days') THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% of % is refused: what is written there stays', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END
$$;
DROP TRIGGER "append_only_rows" ON "audit_events";
CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON "audit_events" FOR EACH ROW EXECUTE FUNCTION "audit_event_stays"();
ALTER TABLE "audit_events" ENABLE ALWAYS TRIGGER "append_only_rows";

-- Nothing is written as if its time were over.
CREATE TRIGGER "audit_event_has_body" BEFORE INSERT ON "audit_events" FOR EACH ROW WHEN (NEW."body" IS NULL) EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "audit_events" ENABLE ALWAYS TRIGGER "audit_event_has_body";

-- Drops the bodies at the places that an event names, written in this transaction: all of them or none. What these events
-- were found by goes too, but for when, what, with which outcome and in which session. The service has no other right to it.
CREATE FUNCTION "drop_audit_bodies"("told" UUID) RETURNS BIGINT
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
  said JSONB;
  places BIGINT[];
  gone BIGINT;
BEGIN
  SELECT convert_from(e.body, 'UTF8')::jsonb INTO said
    FROM audit_events e JOIN audit_pending p ON p.event_id = e.id
    WHERE e.id = told AND e.action = 'audit.dropped';
  IF said->>'action' IS DISTINCT FROM 'audit.dropped' THEN
    RAISE EXCEPTION 'no event that was just written tells of it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A hold that is being placed is waited for, and one that comes now waits.
  LOCK TABLE audit_holds IN SHARE MODE;
  IF (SELECT coalesce(sum((r->>1)::bigint - (r->>0)::bigint + 1), 0) NOT BETWEEN 1 AND 4096
      FROM jsonb_array_elements(said->'data'->'places') r) THEN
    RAISE EXCEPTION 'it is of no bodies, or of too many at once' USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT array_agg(DISTINCT place) INTO places
    FROM jsonb_array_elements(said->'data'->'places') r, generate_series((r->>0)::bigint, (r->>1)::bigint) place;
  UPDATE audit_events e SET body = NULL
    FROM audit_leaves l
    WHERE l.index = ANY (places) AND e.id = l.event_id AND e.body IS NOT NULL
      AND audit_body_may_go(e.id, (said->'data'->>'cutoff')::timestamptz);
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone <> cardinality(places) OR gone <> (said->'data'->>'count')::bigint THEN
    RAISE EXCEPTION 'of % bodies only % may go', said->'data'->>'count', gone USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE audit_facts SET person_iss = NULL, person = NULL, email = NULL, approver = NULL, requester = NULL, cluster = NULL,
      namespace = NULL, workload = NULL, pod = NULL, image = NULL, rule = NULL, ticket = NULL, words = ''::tsvector
    WHERE index = ANY (places);
  RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION "drop_audit_bodies"(UUID) FROM PUBLIC;

-- Who holds a session holds its recordings as well.
CREATE OR REPLACE FUNCTION "recording_ends_once"() RETURNS trigger
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
    OR audit_is_held(OLD."session_id", OLD."started_at", OLD."ended_at")
  ) THEN
    RAISE EXCEPTION 'a recording is kept until its time is over and nobody holds it' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION "drop_recording"(which TEXT) RETURNS BOOLEAN
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  LOCK TABLE audit_holds IN SHARE MODE;
  PERFORM 1 FROM recordings
    WHERE id = which AND ended_at IS NOT NULL AND dropped_at IS NULL AND NOT held
      AND ended_at + make_interval(secs => keep_seconds) <= now()
      AND NOT audit_is_held(session_id, started_at, ended_at)
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

GRANT EXECUTE ON FUNCTION "drop_audit_bodies"(UUID) TO hallpass_service;
GRANT SELECT, INSERT ON "audit_holds" TO hallpass_service;
GRANT UPDATE ("released_at") ON "audit_holds" TO hallpass_service;
-- When a place was given is not the service's to say.
REVOKE INSERT ON "audit_leaves" FROM hallpass_service;
GRANT INSERT ("index", "event_id", "leaf_hash") ON "audit_leaves" TO hallpass_service;
