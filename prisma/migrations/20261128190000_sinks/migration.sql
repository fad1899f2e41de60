-- How far the log was delivered to each sink, and what a sink will never take.

CREATE TABLE "audit_sinks" (
  "name" TEXT NOT NULL,
  "next" BIGINT NOT NULL DEFAULT 0,
  "holder" TEXT,
  "claimed_until" TIMESTAMPTZ(3),
  "failing_since" TIMESTAMPTZ(3),
  CONSTRAINT "audit_sinks_pkey" PRIMARY KEY ("name"),
  CONSTRAINT "audit_sinks_from_zero" CHECK ("next" >= 0)
);

CREATE TABLE "audit_dead_letters" (
  "sink" TEXT NOT NULL,
  "index" BIGINT NOT NULL,
  "reason" TEXT NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "audit_dead_letters_pkey" PRIMARY KEY ("sink", "index"),
  CONSTRAINT "audit_dead_letters_index_fkey" FOREIGN KEY ("index") REFERENCES "audit_leaves" ("index") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- A cursor only ever goes forward: what goes back would be told twice, what jumps is not the service's to choose.
CREATE FUNCTION "audit_sink_goes_forward"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
  IF NEW.next < OLD.next THEN
    RAISE EXCEPTION 'the cursor of the sink % does not go back', OLD.name;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "audit_sink_goes_forward" BEFORE UPDATE ON "audit_sinks" FOR EACH ROW EXECUTE FUNCTION "audit_sink_goes_forward"();

ALTER TABLE "audit_sinks" ENABLE ALWAYS TRIGGER "audit_sink_goes_forward";

-- The service says how far it came, and that is all it may say of a sink which is there.
GRANT SELECT, INSERT, UPDATE ("next", "holder", "claimed_until", "failing_since") ON "audit_sinks" TO hallpass_service;
GRANT SELECT, INSERT ON "audit_dead_letters" TO hallpass_service;
