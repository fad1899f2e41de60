import { ARCHIVE_FILES } from '../domain/evidence/archive.names.js';

/** `README.txt`: what is in the archive and how to check it, for who has nothing but the archive. */
export function evidenceReadme(facts: {
  readonly session: string;
  readonly origin: string;
  readonly takenAt: string;
  readonly takenBy: string;
}): string {
  const { page, session, containers, keys, checkpoint, sums } = ARCHIVE_FILES;
  return `EVIDENCE OF THE DEBUG SESSION ${facts.session}

Taken at ${facts.takenAt} by ${facts.takenBy}, from the audit log
${facts.origin}

Open ${page} in any browser: it tells the story in order. All the rest is for checking it.

  ${session}    the session, what was decided about it, its recordings, its review
  ${containers}  what was sent to the cluster for each container, and what the cluster said
  events/          every event of the session by its place in the log: NUMBER.json is the very text that was
                   hashed (canonical JSON, RFC 8785), NUMBER.tlog-proof its proof (c2sp.org/tlog-proof).
                   NUMBER.dropped stands for an event whose text was dropped at the end of its time
  policies/        the policy texts that decided; the SHA-256 of each file is its name
  recordings/      what was shown: ID.cast for players (asciicast v3), and in the folder ID its header and its
                   chunks as they were stored, whose digests are chained up to the one in the audit log
  ${checkpoint}       the signed state of the log (c2sp.org/tlog-checkpoint) that all proofs lead to
  ${keys}         the keys that signed it, as the broker told them. WHO TRUSTS THESE HAS CHECKED NOTHING:
                   use the key that you were given by another way
  ${sums}       the SHA-256 of all files but the checkpoint, the proofs, and the last event, which holds
                   the SHA-256 of this list

With the program:         hallpass audit verify THIS.tar.gz --key KEY
Without it, in part:      sha256sum -c ${sums}
`;
}
