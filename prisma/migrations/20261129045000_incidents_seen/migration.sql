-- When a replica last said that it still is so: what none says any more may be over.
ALTER TABLE "incidents" ADD COLUMN "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now();
GRANT UPDATE ON "incidents" TO hallpass_service;
