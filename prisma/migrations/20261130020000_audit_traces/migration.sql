-- That programs of before can work with the index that is built next, which cannot say so: it is built outside of a
-- transaction, so that nobody who writes events waits for it.
INSERT INTO "schema_compatibility" ("migration", "needs")
VALUES ('20261130020000_audit_traces', '20261130000000_compatibility'),
  ('20261130021000_audit_traces_index', '20261130000000_compatibility');
