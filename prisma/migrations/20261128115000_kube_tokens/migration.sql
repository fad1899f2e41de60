-- Tokens by which kubectl uses one session: their SHA-256 alone. None counts once its session is over.
CREATE TABLE "kube_tokens" (
  "hash" BYTEA NOT NULL,
  "session_id" TEXT NOT NULL,
  "person" JSONB NOT NULL,
  "sign_in" JSONB NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "kube_tokens_pkey" PRIMARY KEY ("hash"),
  CONSTRAINT "kube_tokens_hash_is_sha256" CHECK (octet_length("hash") = 32)
);
CREATE INDEX "kube_tokens_session_id_at_idx" ON "kube_tokens" ("session_id", "at");
ALTER TABLE "kube_tokens"
  ADD CONSTRAINT "kube_tokens_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- What kubectl debug calls the containers that it asks for, and what is to run in them.
CREATE TABLE "kube_names" (
  "session_id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "command" JSONB,
  "stdin" BOOLEAN NOT NULL,
  "tty" BOOLEAN NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "kube_names_pkey" PRIMARY KEY ("session_id", "name")
);
ALTER TABLE "kube_names"
  ADD CONSTRAINT "kube_names_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "sessions" ("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

GRANT SELECT, INSERT, DELETE ON "kube_tokens" TO hallpass_service;
GRANT SELECT, INSERT ON "kube_names" TO hallpass_service;
