-- What was seen in the audit logs of API servers: each call once, by a digest of what tells it from others.
CREATE TABLE "kubernetes_calls" (
  "key" BYTEA NOT NULL,
  "event_id" UUID NOT NULL,
  CONSTRAINT "kubernetes_calls_pkey" PRIMARY KEY ("key"),
  CONSTRAINT "kubernetes_calls_key_is_sha256" CHECK (octet_length("key") = 32),
  CONSTRAINT "kubernetes_calls_event_id_fkey" FOREIGN KEY ("event_id") REFERENCES "audit_events" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION
);

-- Ephemeral containers that were seen to be added, so that entering them is known for what it is. Digests of
-- cluster, namespace, Pod and name: a stranger chose the names, however long.
CREATE TABLE "kubernetes_containers" (
  "key" BYTEA NOT NULL,
  CONSTRAINT "kubernetes_containers_pkey" PRIMARY KEY ("key"),
  CONSTRAINT "kubernetes_containers_key_is_sha256" CHECK (octet_length("key") = 32)
);

-- How far the log files of an API server were read; a file is known by the SHA-256 of its first line.
CREATE TABLE "kubernetes_log_cursors" (
  "cluster" TEXT NOT NULL,
  "file" BYTEA NOT NULL,
  "position" BIGINT NOT NULL,
  CONSTRAINT "kubernetes_log_cursors_pkey" PRIMARY KEY ("cluster", "file"),
  CONSTRAINT "kubernetes_log_cursors_file_is_sha256" CHECK (octet_length("file") = 32),
  CONSTRAINT "kubernetes_log_cursors_from_zero" CHECK ("position" >= 0)
);

GRANT SELECT, INSERT ON "kubernetes_calls", "kubernetes_containers" TO hallpass_service;
-- A file that was emptied begins anew, so that a position may go back: what is read again is told once all the same.
GRANT SELECT, INSERT, UPDATE ("position") ON "kubernetes_log_cursors" TO hallpass_service;
