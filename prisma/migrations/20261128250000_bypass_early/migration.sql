-- Calls that entered a container which nobody is known to have added: several API servers tell in no order, so that its
-- addition may come later. Kept for a while, and told of then.
CREATE TABLE "kubernetes_early_calls" (
  "seq" BIGINT GENERATED ALWAYS AS IDENTITY,
  "key" BYTEA NOT NULL,
  "containers" BYTEA[] NOT NULL,
  "why" TEXT NOT NULL,
  "seen" JSONB NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  CONSTRAINT "kubernetes_early_calls_pkey" PRIMARY KEY ("seq"),
  CONSTRAINT "kubernetes_early_calls_key_key" UNIQUE ("key"),
  CONSTRAINT "kubernetes_early_calls_few" CHECK (cardinality("containers") BETWEEN 1 AND 50)
);
CREATE INDEX "kubernetes_early_calls_containers_idx" ON "kubernetes_early_calls" USING gin ("containers") WITH (fastupdate = off);
CREATE INDEX "kubernetes_early_calls_at_idx" ON "kubernetes_early_calls" ("at");

-- Half an hour and fifty thousand of them: most are of containers of the Pod's own, and of no concern. More go at once than
-- come, by the database's own clock; the service can neither remove one nor say when it came.
CREATE FUNCTION "forget_early_calls"() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  DELETE FROM kubernetes_early_calls WHERE seq IN (
    SELECT seq FROM kubernetes_early_calls
    WHERE at < now() - interval '30 minutes' OR seq <= (SELECT max(seq) FROM kubernetes_early_calls) - 50000
    ORDER BY seq LIMIT 10 FOR UPDATE SKIP LOCKED
  );
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION "forget_early_calls"() FROM PUBLIC;
CREATE TRIGGER "forget_early_calls" AFTER INSERT ON "kubernetes_early_calls"
  FOR EACH STATEMENT EXECUTE FUNCTION "forget_early_calls"();

GRANT SELECT, INSERT ("key", "containers", "why", "seen") ON "kubernetes_early_calls" TO hallpass_service;

-- A temporary table is looked for before all others where a path does not name `pg_temp`: whoever makes one of a name
-- that a function uses would have the function look there. No function of ours does.
DO $$
DECLARE
  ours REGPROCEDURE;
BEGIN
  FOR ours IN
    SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole
      AND p.prokind = 'f' AND (l.lanname = 'plpgsql' OR p.proconfig IS NOT NULL)
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, public, pg_temp', ours);
  END LOOP;
END
$$;
