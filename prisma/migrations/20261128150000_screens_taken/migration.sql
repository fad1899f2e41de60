-- Whoever appends to a recording waits behind the change, and a strict session bears that for five seconds.
SET LOCAL lock_timeout = '2s';

-- Until when a replica reads the screen of a recording: so that no other one does the same meanwhile.
ALTER TABLE "recordings" ADD COLUMN "screen_taken_until" TIMESTAMPTZ(3);

GRANT UPDATE ("screen_taken_until") ON "recordings" TO hallpass_service;
