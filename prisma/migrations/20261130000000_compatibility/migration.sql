-- Which programs can work with a schema that is newer than they are: those that know the migration named in "needs". A
-- migration that is not here needs programs that know it. Each migration adds its own row, in its own transaction.
CREATE TABLE "schema_compatibility" (
  "migration" TEXT NOT NULL,
  "needs" TEXT NOT NULL,
  CONSTRAINT "schema_compatibility_pkey" PRIMARY KEY ("migration")
);
GRANT SELECT ON "schema_compatibility" TO hallpass_service;

-- As every function here: it looks nowhere else, whatever whoever calls it has set.
ALTER FUNCTION "notice_stays_done"() SET search_path = pg_catalog, public, pg_temp;
