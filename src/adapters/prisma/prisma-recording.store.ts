import type {
  Chunk,
  FinishedRecording,
  RecordingHead,
  RecordingInfo,
  ScreenHit,
  ScreenLine,
} from '../../app/ports/recording.store.js';
import { RecordingClosed, RecordingStore } from '../../app/ports/recording.store.js';
import type { AuditEntry } from '../../domain/audit/entry.js';
import type { Problem } from '../../domain/problem.js';
import { invariant, problem } from '../../domain/problem.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Database } from './database.js';
import { abandonRecording, finishShort } from './recording.abandon.js';
import type { ChunkBodies } from './recording.drop.js';
import { dropRecording } from './recording.drop.js';
import type { RecordingRow } from './recording.rows.js';
import { SEALED, appending, audited, entryOf, told } from './recording.sql.js';
import { RECORDING_COLUMNS, WITH_CHUNKS, recordingOf } from './recording.rows.js';
import { TAKE_UNREAD, keepScreen, searchScreens } from './recording.screens.js';
import { inTransaction } from './transaction.js';

/** Recordings in PostgreSQL, the bytes of their chunks there or in {@link ChunkBodies}. */
export class PrismaRecordingStore extends RecordingStore {
  /**
   * @param told subscribes to the news of other replicas and of this one.
   * @param isKeptElsewhere whether new chunks go to `bodies`; older ones are read from there in any case.
   */
  constructor(
    private readonly database: Database,
    private readonly told: (heard: (session: SessionId) => void) => () => void,
    private readonly bodies?: ChunkBodies,
    private readonly isKeptElsewhere = bodies !== undefined,
  ) {
    super();
  }

  async open(args: Parameters<RecordingStore['open']>[0]): Promise<'opened' | Problem> {
    const { id, recording, header, at, replica, audit } = args;
    const { session, openMax } = recording;
    // Those who open streams of one session at once wait for each other, and each then counts in a statement of its own:
    // one that had waited would still see what there was before.
    const rows = await inTransaction(this.database.pool, async (client) => {
      await client.query('SELECT id FROM sessions WHERE id = $1 FOR NO KEY UPDATE', [session.id]);
      const { rows } = await client.query<{ written: number }>(
        `WITH r AS (
           INSERT INTO recordings (id, session_id, kind, way, person, mode, header, input, keep_seconds, replica, started_at, beat_at)
           SELECT $1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, $12::timestamptz, now()
           WHERE (SELECT count(*) FROM recordings WHERE session_id = $2 AND ended_at IS NULL) < $11::int
           RETURNING session_id
         ),
         a AS (${audited('r', 13)})
         ${told('r')}`,
        [
          id,
          session.id,
          recording.kind,
          recording.way,
          JSON.stringify(recording.person),
          recording.mode,
          header,
          recording.input,
          recording.keepSeconds,
          replica,
          openMax,
          at,
          entryOf(audit),
        ],
      );
      return rows;
    });
    if (invariant(rows[0], 'a count without a row').written === 1) return 'opened';
    return problem(
      'too-many-streams',
      `${openMax} streams of the session ${session.id} are open, and its terms allow no more: close one.`,
    );
  }

  async append(id: RecordingId, chunks: readonly Chunk[]): Promise<void> {
    const bodies = this.isKeptElsewhere ? this.bodies : undefined;
    if (bodies) await Promise.all(chunks.map(({ seq, bytes }) => bodies.put(id, seq, bytes)));
    const [row] = await this.rows<{ isOpen: boolean; written: number; same: number }>(
      appending(chunks.length, bodies === undefined),
      [
        id,
        ...chunks.flatMap(({ seq, untilMs, bytes, digest }) => [
          ...[seq, untilMs, bytes.length, bytesOf(digest)],
          ...(bodies ? [] : [bytesOf(bytes)]),
        ]),
      ],
    );
    if (row?.isOpen !== true) throw new RecordingClosed(id);
    if (row.written + row.same !== chunks.length) {
      const seqs = chunks.map(({ seq }) => seq).join(', ');
      throw new Error(`invariant broken: a chunk of ${seqs} of ${id} is there with another digest`);
    }
  }

  async gap(id: RecordingId, audit: AuditEntry): Promise<void> {
    await this.rows(
      `WITH a AS (
         ${audited('(SELECT FROM recordings WHERE id = $1) r', 2)} ON CONFLICT (id) DO NOTHING RETURNING 1
       ),
       r AS (UPDATE recordings SET gaps = gaps + 1 WHERE id = $1 AND EXISTS (SELECT FROM a) RETURNING session_id)
       ${told('r')}`,
      [id, entryOf(audit)],
    );
  }

  async finish({ id, at, end, audit }: FinishedRecording): Promise<boolean> {
    const [row] = await this.rows<{ written: number }>(
      `WITH r AS (
         UPDATE recordings SET ended_at = $2::timestamptz, "end" = $3::jsonb
         WHERE id = $1 AND ended_at IS NULL RETURNING session_id
       ), a AS (${audited('r', 4)}) ${told('r')}`,
      [id, at, JSON.stringify(end), entryOf(audit)],
    );
    return row?.written === 1;
  }

  finishShort(short: Parameters<RecordingStore['finishShort']>[0]): Promise<boolean> {
    return finishShort(this.database, short);
  }

  async sealed(id: RecordingId): Promise<{ chunks: number; digest: Buffer } | undefined> {
    const [row] = await this.rows<{ chunks: number; digest: Buffer }>(SEALED, [id]);
    return row;
  }

  async beat(ids: readonly RecordingId[]): Promise<void> {
    await this.rows(
      'UPDATE recordings SET beat_at = now() WHERE id = ANY ($1) AND ended_at IS NULL',
      [ids],
    );
  }

  abandon(...args: Parameters<RecordingStore['abandon']>): Promise<boolean> {
    return abandonRecording(this.database, ...args);
  }

  silent(seconds: number, limit: number): Promise<RecordingInfo[]> {
    return this.infos(
      `r.ended_at IS NULL AND r.beat_at < now() - make_interval(secs => $1) ORDER BY r.beat_at LIMIT $2`,
      [seconds, limit],
    );
  }

  async find(id: RecordingId): Promise<RecordingInfo | undefined> {
    return (await this.infos('r.id = $1', [id]))[0];
  }

  ofSession(session: SessionId): Promise<RecordingInfo[]> {
    return this.infos('r.session_id = $1 ORDER BY r.started_at, r.id', [session]);
  }

  heads(session: SessionId, without: readonly RecordingId[]): Promise<RecordingHead[]> {
    return this.rows<RecordingHead>(
      `SELECT id, header, ended_at IS NOT NULL AS "hasEnded" FROM recordings
       WHERE session_id = $1 AND id <> ALL ($2::text[]) ORDER BY started_at, id`,
      [session, without],
    );
  }

  async chunks(id: RecordingId, after: number, limit: number): Promise<Chunk[]> {
    const rows = await this.rows<{
      seq: number;
      until_ms: string;
      digest: Buffer;
      bytes: Buffer | null;
    }>(
      `SELECT c.seq, c.until_ms, c.digest, b.bytes FROM recording_chunks c
         LEFT JOIN recording_bodies b USING (recording_id, seq)
       WHERE c.recording_id = $1 AND c.seq > $2::int ORDER BY c.seq LIMIT $3::int`,
      [id, after, limit],
    );
    return Promise.all(
      rows.map(async ({ seq, until_ms, digest, bytes }) => ({
        seq,
        untilMs: Number(until_ms),
        digest,
        bytes:
          bytes ??
          (await invariant(this.bodies, `chunk ${seq} of ${id} without bytes`).get(id, seq)),
      })),
    );
  }

  async hold(id: RecordingId, held: boolean, audit: AuditEntry): Promise<boolean> {
    const [row] = await this.rows<{ written: number }>(
      `WITH r AS (UPDATE recordings SET held = $2 WHERE id = $1 AND held <> $2 AND dropped_at IS NULL RETURNING session_id),
       a AS (${audited('r', 3)}) ${told('r')}`,
      [id, held, entryOf(audit)],
    );
    return row?.written === 1;
  }

  due(limit: number): Promise<RecordingInfo[]> {
    return this.infos(
      `(r.ended_at IS NOT NULL AND r.dropped_at IS NULL AND NOT r.held
         AND r.ended_at + make_interval(secs => r.keep_seconds) <= now()
         AND NOT audit_is_held(r.session_id, r.started_at, r.ended_at))
       OR (r.dropped_at IS NOT NULL AND r.purged_at IS NULL)
       ORDER BY r.dropped_at NULLS FIRST, r.ended_at LIMIT $1`,
      [limit],
    );
  }

  drop(id: RecordingId, audit: AuditEntry): Promise<boolean> {
    return dropRecording(this.database, { id, audit, bodies: this.bodies });
  }

  async takeUnread(seconds: number): Promise<RecordingInfo | undefined> {
    const [taken] = await this.rows<{ id: RecordingId }>(TAKE_UNREAD, [seconds]);
    return taken && this.find(taken.id);
  }

  async keepTaken(id: RecordingId, seconds: number): Promise<void> {
    await this.rows(
      'UPDATE recordings SET screen_taken_until = now() + make_interval(secs => $2::int) WHERE id = $1',
      [id, seconds],
    );
  }

  keepScreen(id: RecordingId, lines: readonly ScreenLine[]): Promise<void> {
    return keepScreen(this.database.pool, id, lines);
  }

  async screen(id: RecordingId, limit: number): Promise<ScreenLine[]> {
    const rows = await this.rows<{ at_ms: string; text: string }>(
      'SELECT at_ms, text FROM recording_lines WHERE recording_id = $1 ORDER BY line LIMIT $2::int',
      [id, limit],
    );
    return rows.map(({ at_ms, text }) => ({ atMs: Number(at_ms), text }));
  }

  search(args: Parameters<RecordingStore['search']>[0]): Promise<ScreenHit[]> {
    return searchScreens(this.database.pool, args);
  }

  async note(audit: AuditEntry): Promise<void> {
    await this.rows(audited('(SELECT 1) r', 1), [entryOf(audit)]);
  }

  subscribe(heard: (session: SessionId) => void): () => void {
    return this.told(heard);
  }

  private async infos(where: string, values: readonly unknown[]): Promise<RecordingInfo[]> {
    const rows = await this.rows<RecordingRow>(
      `SELECT ${RECORDING_COLUMNS} FROM recordings r ${WITH_CHUNKS} WHERE ${where}`,
      values,
    );
    return rows.map(recordingOf);
  }

  /** Not by Prisma, which has no way to send bytes but as text. */
  private async rows<R extends object>(sql: string, values: readonly unknown[]): Promise<R[]> {
    return (await this.database.pool.query<R>(sql, [...values])).rows;
  }
}

/** The same memory, as the client of PostgreSQL sends it without turning it into text. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
