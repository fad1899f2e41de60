-- Whose an account was ever said to be, and when: links between accounts outlast the tokens that told of them.
CREATE TABLE "known_humans" (
  "iss" TEXT NOT NULL,
  "sub" TEXT NOT NULL,
  "human" TEXT NOT NULL,
  "issued_at" TIMESTAMPTZ(3) NOT NULL,
  "first_at" TIMESTAMPTZ(3) NOT NULL,
  "last_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "known_humans_pkey" PRIMARY KEY ("iss", "sub", "human")
);
CREATE INDEX "known_humans_human_idx" ON "known_humans" ("human");

-- What was said before: by the newest tokens, and by those with which sessions were asked for, which are no newer.
INSERT INTO "known_humans"
  SELECT "iss", "sub", "person"->>'human', "issued_at", "seen_at", "seen_at" FROM "people"
  WHERE "person"->>'human' IS NOT NULL;
INSERT INTO "known_humans"
  SELECT "requester_iss", "requester_sub", "requester_human", to_timestamp(0), min("created_at"), max("created_at")
  FROM "sessions" WHERE "requester_human" IS NOT NULL GROUP BY 1, 2, 3
  ON CONFLICT ("iss", "sub", "human") DO UPDATE SET
    "first_at" = LEAST("known_humans"."first_at", EXCLUDED."first_at"),
    "last_at" = GREATEST("known_humans"."last_at", EXCLUDED."last_at");

GRANT SELECT, INSERT, UPDATE ON "known_humans" TO hallpass_service;
