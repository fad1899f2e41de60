-- As before, and what tells of bodies that went is of now, by this database's clock: were it of the clock of a replica that
-- is late, no verifier would believe it. Ranges run forwards, for one that runs backwards is of fewer than none.
CREATE OR REPLACE FUNCTION "drop_audit_bodies"("told" UUID) RETURNS BIGINT
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
  IF ((said->>'time')::timestamptz BETWEEN now() - interval '2 minutes' AND now() + interval '2 minutes') IS NOT TRUE THEN
    RAISE EXCEPTION 'the event of it is not of now' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A hold that is being placed is waited for, and one that comes now waits.
  LOCK TABLE audit_holds IN SHARE MODE;
  IF EXISTS (
    SELECT FROM jsonb_array_elements(said->'data'->'places') r
    WHERE ((r->>0)::bigint BETWEEN 0 AND (r->>1)::bigint) IS NOT TRUE
  ) THEN
    RAISE EXCEPTION 'it is of places that run backwards' USING ERRCODE = 'insufficient_privilege';
  END IF;
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

-- Nobody places or releases a hold of which no event says so that was written with it: one that has its place already is
-- of before.
CREATE FUNCTION "audit_hold_is_told"() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  what TEXT := CASE TG_OP WHEN 'INSERT' THEN 'audit.held' ELSE 'audit.released' END;
BEGIN
  IF NOT EXISTS (
    SELECT FROM audit_pending p JOIN audit_events e ON e.id = p.event_id
    WHERE e.action = what
      AND CASE WHEN e.action = what THEN convert_from(e.body, 'UTF8')::json #>> '{data,hold}' END = NEW.id::text
  ) THEN
    RAISE EXCEPTION 'a hold that no event % tells of is refused', what USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER "audit_hold_is_told" AFTER INSERT OR UPDATE ON "audit_holds"
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "audit_hold_is_told"();
ALTER TABLE "audit_holds" ENABLE ALWAYS TRIGGER "audit_hold_is_told";
