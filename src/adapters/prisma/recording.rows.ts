import type { RecordingInfo } from '../../app/ports/recording.store.js';
import type { Person } from '../../domain/person.js';
import type { Recording as Mode, Way } from '../../domain/policy/policy.js';
import { firstDigest } from '../../domain/recording/digest.chain.js';
import type { RecordingEnd, RecordingId, StreamKind } from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';

/** A row of `recordings` with what its chunks come to. */
export interface RecordingRow {
  readonly id: string;
  readonly session_id: string;
  readonly kind: string;
  readonly way: string;
  readonly person: unknown;
  readonly mode: string;
  readonly header: string;
  readonly input: boolean;
  readonly keep_seconds: number;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly end: unknown;
  readonly abandoned: boolean;
  readonly gaps: number;
  readonly held: boolean;
  readonly dropped_at: Date | null;
  readonly chunks: number;
  readonly stored_bytes: string;
  readonly digest: Buffer | null;
}

export const RECORDING_COLUMNS = `
  r.id, r.session_id, r.kind, r.way, r.person, r.mode, r.header, r.input, r.keep_seconds, r.started_at, r.ended_at,
  r."end", r.abandoned, r.gaps,
  r.held OR audit_is_held(r.session_id, r.started_at, coalesce(r.ended_at, now())) AS held, r.dropped_at, c.chunks, c.stored_bytes, c.digest`;

/** The number, size and last digest of a recording's chunks. */
export const WITH_CHUNKS = `
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS chunks, coalesce(sum(size), 0)::text AS stored_bytes,
      (array_agg(digest ORDER BY seq DESC))[1] AS digest
    FROM recording_chunks WHERE recording_id = r.id
  ) c`;

export function recordingOf(row: RecordingRow): RecordingInfo {
  return {
    id: row.id as RecordingId,
    session: row.session_id as SessionId,
    kind: row.kind as StreamKind,
    way: row.way as Way,
    person: row.person as Person,
    mode: row.mode as Mode,
    header: row.header,
    input: row.input,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    end: row.end as RecordingEnd | null,
    isAbandoned: row.abandoned,
    chunks: row.chunks,
    storedBytes: Number(row.stored_bytes),
    digest: row.digest ?? firstDigest(row.header),
    gaps: row.gaps,
    keepUntil: row.ended_at && new Date(row.ended_at.getTime() + row.keep_seconds * 1000),
    isHeld: row.held,
    droppedAt: row.dropped_at,
  };
}
