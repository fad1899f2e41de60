-- Saved reviews of auditors: lists of sessions that are signed off one by one. All of it is added to and never changed:
-- how a review stands is what was added to it. Not to be confused with "reviews", which broken glass owes.

CREATE TABLE "audit_reviews" (
  "id" UUID NOT NULL,
  "title" TEXT NOT NULL,
  "filter" JSONB,
  "sessions" INTEGER NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "due_at" TIMESTAMPTZ(3) NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "key" TEXT,
  "request_hash" TEXT,
  CONSTRAINT "audit_reviews_pkey" PRIMARY KEY ("id"),
  CONSTRAINT "audit_reviews_of_some" CHECK ("sessions" BETWEEN 1 AND 1000),
  CONSTRAINT "audit_reviews_key_with_hash" CHECK (("key" IS NULL) = ("request_hash" IS NULL))
);
CREATE UNIQUE INDEX "audit_reviews_iss_sub_key_key" ON "audit_reviews" ("iss", "sub", "key") WHERE "key" IS NOT NULL;
CREATE INDEX "audit_reviews_due_at_id_idx" ON "audit_reviews" ("due_at", "id");

CREATE TABLE "audit_review_sessions" (
  "review_id" UUID NOT NULL,
  "session_id" TEXT NOT NULL,
  "place" INTEGER NOT NULL,
  CONSTRAINT "audit_review_sessions_pkey" PRIMARY KEY ("review_id", "session_id"),
  CONSTRAINT "audit_review_sessions_review_id_fkey" FOREIGN KEY ("review_id") REFERENCES "audit_reviews" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "audit_review_sessions_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE UNIQUE INDEX "audit_review_sessions_review_id_place_key" ON "audit_review_sessions" ("review_id", "place");

CREATE TABLE "audit_review_findings" (
  "seq" BIGINT GENERATED ALWAYS AS IDENTITY,
  "review_id" UUID NOT NULL,
  "session_id" TEXT NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "finding" TEXT NOT NULL,
  "comment" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "key" TEXT,
  "request_hash" TEXT,
  CONSTRAINT "audit_review_findings_pkey" PRIMARY KEY ("seq"),
  CONSTRAINT "audit_review_findings_session_fkey" FOREIGN KEY ("review_id", "session_id") REFERENCES "audit_review_sessions" ("review_id", "session_id") ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT "audit_review_findings_finding_is_known" CHECK ("finding" IN ('in-order', 'concern', 'violation')),
  CONSTRAINT "audit_review_findings_key_with_hash" CHECK (("key" IS NULL) = ("request_hash" IS NULL))
);
CREATE INDEX "audit_review_findings_review_id_session_id_seq_idx" ON "audit_review_findings" ("review_id", "session_id", "seq");
CREATE UNIQUE INDEX "audit_review_findings_key_key" ON "audit_review_findings" ("review_id", "session_id", "iss", "sub", "key") WHERE "key" IS NOT NULL;

CREATE TABLE "audit_review_closings" (
  "review_id" UUID NOT NULL,
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "reason" TEXT,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "audit_review_closings_pkey" PRIMARY KEY ("review_id"),
  CONSTRAINT "audit_review_closings_review_id_fkey" FOREIGN KEY ("review_id") REFERENCES "audit_reviews" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- Its sessions have the places from 1 on, as many as it says: none is left to whoever comes later.
CREATE FUNCTION "audit_review_is_fixed"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF NEW.place NOT BETWEEN 1 AND (SELECT sessions FROM audit_reviews WHERE id = NEW.review_id) THEN
    RAISE EXCEPTION 'the sessions of the review % are fixed', NEW.review_id;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "audit_review_is_fixed" BEFORE INSERT ON "audit_review_sessions"
  FOR EACH ROW EXECUTE FUNCTION "audit_review_is_fixed"();

-- Four eyes, by the account at least: the service knows of linked accounts besides. A closed review takes nothing more.
CREATE FUNCTION "audit_review_by_another"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF EXISTS (SELECT FROM sessions s WHERE s.id = NEW.session_id AND s.requester_iss = NEW.iss AND s.requester_sub = NEW.sub)
    OR EXISTS (SELECT FROM decisions d WHERE d.session_id = NEW.session_id AND d.iss = NEW.iss AND d.sub = NEW.sub) THEN
    RAISE EXCEPTION 'the session % is signed off by somebody who had no part in it', NEW.session_id;
  END IF;
  IF EXISTS (SELECT FROM audit_review_closings c WHERE c.review_id = NEW.review_id) THEN
    RAISE EXCEPTION 'the review % is closed', NEW.review_id;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "audit_review_by_another" BEFORE INSERT ON "audit_review_findings"
  FOR EACH ROW EXECUTE FUNCTION "audit_review_by_another"();

DO $$
DECLARE
  append_only TEXT;
BEGIN
  FOREACH append_only IN ARRAY ARRAY['audit_reviews', 'audit_review_sessions', 'audit_review_findings', 'audit_review_closings'] LOOP
    EXECUTE format('CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_rows"', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_table"', append_only);
  END LOOP;
END
$$;

GRANT SELECT, INSERT ON "audit_reviews", "audit_review_sessions", "audit_review_findings", "audit_review_closings" TO hallpass_service;

-- Who broke the glass, by time.
CREATE INDEX "review_debts_at_session_id_idx" ON "review_debts" ("at", "session_id");

-- Images by name, by name and tag, and by digest, whichever of them is asked for.
DROP INDEX "audit_facts_image_index_idx";
CREATE INDEX "audit_facts_image_name_idx" ON "audit_facts" (regexp_replace(split_part("image", '@', 1), ':[^/:]*$', ''), "index") WHERE "image" IS NOT NULL;
CREATE INDEX "audit_facts_image_tag_idx" ON "audit_facts" (split_part("image", '@', 1), "index") WHERE "image" IS NOT NULL;
CREATE INDEX "audit_facts_image_digest_idx" ON "audit_facts" (split_part("image", '@', 2), "index") WHERE "image" LIKE '%@%';

-- From when till when the events of each block of places are: what is asked for by time is looked for in those places
-- alone. An index by time does not give the newest places first, and the places of old events are not among the newest.
-- Searches believe it, so that it is only ever widened, whoever asks, and the service may only read it.
CREATE FUNCTION "audit_fact_block_places"() RETURNS BIGINT LANGUAGE sql IMMUTABLE AS 'SELECT 5000::bigint';

LOCK TABLE "audit_facts" IN SHARE ROW EXCLUSIVE MODE;
DROP INDEX "audit_facts_at_idx";
CREATE TABLE "audit_fact_spans" (
  "block" BIGINT NOT NULL,
  "first_at" TIMESTAMPTZ(3) NOT NULL,
  "last_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "audit_fact_spans_pkey" PRIMARY KEY ("block")
);
INSERT INTO "audit_fact_spans"
  SELECT "index" / audit_fact_block_places(), min("at"), max("at") FROM "audit_facts" GROUP BY 1;

CREATE FUNCTION "audit_fact_span_widens"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.block = OLD.block AND NEW.first_at <= OLD.first_at AND NEW.last_at >= OLD.last_at THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% of a span is refused: it is only ever widened', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER "audit_fact_span_widens" BEFORE UPDATE OR DELETE ON "audit_fact_spans"
  FOR EACH ROW EXECUTE FUNCTION "audit_fact_span_widens"();
CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON "audit_fact_spans"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "audit_fact_spans" ENABLE ALWAYS TRIGGER "audit_fact_span_widens";
ALTER TABLE "audit_fact_spans" ENABLE ALWAYS TRIGGER "append_only_table";

-- Of the owner's rights, so that whoever files an event can neither leave this out nor do anything else to a span.
CREATE FUNCTION "audit_facts_widen_spans"() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO audit_fact_spans AS s (block, first_at, last_at)
  SELECT index / audit_fact_block_places(), min(at), max(at) FROM added GROUP BY 1 ORDER BY 1
  ON CONFLICT (block) DO UPDATE SET
    first_at = least(s.first_at, EXCLUDED.first_at), last_at = greatest(s.last_at, EXCLUDED.last_at)
  WHERE EXCLUDED.first_at < s.first_at OR EXCLUDED.last_at > s.last_at;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "audit_facts_widen_spans"() FROM PUBLIC;
CREATE TRIGGER "audit_facts_widen_spans" AFTER INSERT ON "audit_facts" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_facts_widen_spans"();
ALTER TABLE "audit_facts" ENABLE ALWAYS TRIGGER "audit_facts_widen_spans";

-- Makes the spans hold what stands at the places from `begin` on and before `until`, where somebody who is not the
-- service narrowed them. The times are the events' own: whoever calls it has no say in them.
CREATE FUNCTION "widen_audit_fact_spans"("begin" BIGINT, "until" BIGINT) RETURNS VOID
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  INSERT INTO audit_fact_spans AS s (block, first_at, last_at)
  SELECT l.index / audit_fact_block_places(), min(e.at), max(e.at)
  FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id WHERE l.index >= $1 AND l.index < $2 GROUP BY 1 ORDER BY 1
  ON CONFLICT (block) DO UPDATE SET
    first_at = least(s.first_at, EXCLUDED.first_at), last_at = greatest(s.last_at, EXCLUDED.last_at)
  WHERE EXCLUDED.first_at < s.first_at OR EXCLUDED.last_at > s.last_at
$$;
REVOKE ALL ON FUNCTION "widen_audit_fact_spans"(BIGINT, BIGINT) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "widen_audit_fact_spans"(BIGINT, BIGINT) TO hallpass_service;
GRANT SELECT ON "audit_fact_spans" TO hallpass_service;
