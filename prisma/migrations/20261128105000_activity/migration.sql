-- When somebody last typed into a session, on whichever replica: sessions whose terms say so end when nobody does.
CREATE TABLE "session_activity" (
  "session_id" TEXT NOT NULL,
  "last_input_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "session_activity_pkey" PRIMARY KEY ("session_id")
);
ALTER TABLE "session_activity"
  ADD CONSTRAINT "session_activity_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

GRANT SELECT, INSERT, UPDATE ON "session_activity" TO hallpass_service;
