-- How far each anchor has the log's checkpoints, and which replica is at it. What was signed is not here but in the
-- anchors: whoever changes this makes a checkpoint be put once more, or later.
CREATE TABLE "audit_anchors" (
  "name" TEXT NOT NULL,
  "size" BIGINT NOT NULL DEFAULT 0,
  "put_at" TIMESTAMPTZ(3),
  "claimed_until" TIMESTAMPTZ(3),
  CONSTRAINT "audit_anchors_pkey" PRIMARY KEY ("name"),
  CONSTRAINT "audit_anchors_from_zero" CHECK ("size" >= 0)
);

GRANT SELECT, INSERT, UPDATE ("size", "put_at", "claimed_until") ON "audit_anchors" TO hallpass_service;
