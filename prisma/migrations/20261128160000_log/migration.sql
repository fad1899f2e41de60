-- The audit log as a Merkle tree (RFC 6962): events wait for their place, a sequencer gives it to them, and signs.

-- Events that have no place yet. The trigger puts them here in the transaction that writes them, whoever writes.
CREATE TABLE "audit_pending" (
  "seq" BIGINT GENERATED ALWAYS AS IDENTITY,
  "event_id" UUID NOT NULL,
  CONSTRAINT "audit_pending_pkey" PRIMARY KEY ("seq"),
  CONSTRAINT "audit_pending_event_id_fkey" FOREIGN KEY ("event_id") REFERENCES "audit_events" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- The place of each event. The keys fence a sequencer that believes it is alone: no place is given twice.
CREATE TABLE "audit_leaves" (
  "index" BIGINT NOT NULL,
  "event_id" UUID NOT NULL,
  "leaf_hash" BYTEA NOT NULL,
  CONSTRAINT "audit_leaves_pkey" PRIMARY KEY ("index"),
  CONSTRAINT "audit_leaves_event_id_key" UNIQUE ("event_id"),
  CONSTRAINT "audit_leaves_from_zero" CHECK ("index" >= 0),
  CONSTRAINT "audit_leaves_hash_is_sha256" CHECK (octet_length("leaf_hash") = 32),
  CONSTRAINT "audit_leaves_event_id_fkey" FOREIGN KEY ("event_id") REFERENCES "audit_events" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- The hashes of tiles of level 1 and above: each is the root of 256 ^ level leaves.
CREATE TABLE "audit_nodes" (
  "level" SMALLINT NOT NULL,
  "index" BIGINT NOT NULL,
  "hash" BYTEA NOT NULL,
  CONSTRAINT "audit_nodes_pkey" PRIMARY KEY ("level", "index"),
  CONSTRAINT "audit_nodes_above_leaves" CHECK ("level" BETWEEN 1 AND 7 AND "index" >= 0),
  CONSTRAINT "audit_nodes_hash_is_sha256" CHECK (octet_length("hash") = 32)
);

-- What was signed: one for each size of each log.
CREATE TABLE "audit_checkpoints" (
  "origin" TEXT NOT NULL,
  "size" BIGINT NOT NULL,
  "root" BYTEA NOT NULL,
  "note" TEXT NOT NULL,
  "signed_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "audit_checkpoints_pkey" PRIMARY KEY ("origin", "size"),
  CONSTRAINT "audit_checkpoints_root_is_sha256" CHECK (octet_length("root") = 32)
);
CREATE INDEX "audit_checkpoints_size_idx" ON "audit_checkpoints" ("size");

-- Of the owner's rights, so that whoever may write an event can neither leave it out nor add a place.
CREATE FUNCTION "audit_event_waits"() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO audit_pending (event_id) VALUES (NEW.id);
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "audit_event_waits"() FROM PUBLIC;

-- What was written before there were places, in the order of its times.
INSERT INTO "audit_pending" ("event_id") SELECT "id" FROM "audit_events" ORDER BY "at", "id";

CREATE TRIGGER "audit_event_waits" AFTER INSERT ON "audit_events" FOR EACH ROW EXECUTE FUNCTION "audit_event_waits"();
ALTER TABLE "audit_events" ENABLE ALWAYS TRIGGER "audit_event_waits";

DO $$
DECLARE
  append_only TEXT;
BEGIN
  FOREACH append_only IN ARRAY ARRAY['audit_leaves', 'audit_nodes', 'audit_checkpoints'] LOOP
    EXECUTE format('CREATE TRIGGER "append_only_rows" BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('CREATE TRIGGER "append_only_table" BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION "refuse_change"()', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_rows"', append_only);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER "append_only_table"', append_only);
  END LOOP;
END
$$;

GRANT SELECT, INSERT ON "audit_leaves", "audit_nodes", "audit_checkpoints" TO hallpass_service;
GRANT SELECT, DELETE ON "audit_pending" TO hallpass_service;
