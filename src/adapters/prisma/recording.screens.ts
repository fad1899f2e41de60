import type pg from 'pg';
import type {
  HitCursor,
  RecordingStore,
  ScreenHit,
  ScreenLine,
} from '../../app/ports/recording.store.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';
import { inTransaction } from './transaction.js';

const SIGNS = `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`;

/** What the index of screens has of a line: letters and digits, so that a path is found by each of its parts. */
const WORDS_OF_LINE = `to_tsvector('simple', translate(l.text, '${SIGNS.replaceAll("'", "''")}', repeat(' ', ${SIGNS.length})))`;

/** The same of what is searched, but for quotes and for the minus before a word that must not be there. */
function searchedWords(text: string): string {
  return text.replaceAll(/(?<=[^ ])-|[!#-,./:-@[-`{-~]/g, ' ').trim();
}

/** Lines by their words (1), of a session (2), after a place: when its recording began (3), that recording (4), line (5). */
const SEARCH = `SELECT r.id, r.session_id, r.started_at, l.line, l.at_ms, l.text
       FROM recording_lines l JOIN recordings r ON r.id = l.recording_id
       WHERE ${WORDS_OF_LINE} @@ websearch_to_tsquery('simple', $1)
         AND ($2::text IS NULL OR r.session_id = $2)
         AND ($3::timestamptz IS NULL OR (r.started_at, r.id) < ($3, $4) OR (r.id = $4 AND l.line > $5::int))
       ORDER BY r.started_at DESC, r.id DESC, l.line LIMIT $6::int`;

/**
 * Takes the one that is free for longest, for so many seconds (1): since its end, or since it was given up. Whoever comes
 * at the same time is given the next one.
 */
export const TAKE_UNREAD = `WITH free AS (
    SELECT id FROM recordings
    WHERE ended_at IS NOT NULL AND screen_at IS NULL AND dropped_at IS NULL
      AND (screen_taken_until IS NULL OR screen_taken_until <= now())
    ORDER BY coalesce(screen_taken_until, ended_at) LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
  )
  UPDATE recordings r SET screen_taken_until = now() + make_interval(secs => $1::int)
  FROM free WHERE r.id = free.id RETURNING r.id`;

/** What one statement inserts: each word of it goes into the index, and a statement has seconds. */
const LINES_AT_ONCE = 2_000;
const CHARACTERS_AT_ONCE = 256 * 1024;

/** Keeps all lines of a screen or none. Nothing where another replica keeps or has kept them, or they were dropped. */
export async function keepScreen(
  pool: pg.Pool,
  id: RecordingId,
  lines: readonly ScreenLine[],
): Promise<void> {
  await inTransaction(pool, async (client) => {
    // The row itself stays free: it may be held meanwhile.
    const { rowCount } = await client.query(
      `SELECT 1 FROM recordings WHERE id = $1 AND screen_at IS NULL AND dropped_at IS NULL
         AND pg_try_advisory_xact_lock(hashtextextended('screen of ' || $1, 0))`,
      [id],
    );
    if (rowCount !== 1) return;
    for (const { from, texts, times } of partsOf(lines)) {
      await client.query(
        `INSERT INTO recording_lines (recording_id, line, at_ms, text)
         SELECT $1, $2::int + l.nth - 1, l.at_ms, l.text
         FROM unnest($3::bigint[], $4::text[]) WITH ORDINALITY AS l (at_ms, text, nth)`,
        [id, from, times, texts],
      );
    }
    const kept = await client.query(
      'UPDATE recordings SET screen_at = now() WHERE id = $1 AND screen_at IS NULL AND dropped_at IS NULL',
      [id],
    );
    if (kept.rowCount !== 1)
      throw new Error(`the recording ${id} was dropped while its screen was kept`);
  });
}

function* partsOf(
  lines: readonly ScreenLine[],
): Generator<{ readonly from: number; readonly texts: string[]; readonly times: number[] }> {
  for (let from = 0; from < lines.length;) {
    const texts: string[] = [];
    const times: number[] = [];
    let characters = 0;
    for (const { atMs, text } of lines.slice(from, from + LINES_AT_ONCE)) {
      if (characters > 0 && characters + text.length > CHARACTERS_AT_ONCE) break;
      characters += text.length;
      texts.push(text.replaceAll('\0', ''));
      times.push(atMs);
    }
    yield { from, texts, times };
    from += texts.length;
  }
}

/** Finds lines of screens, as `RecordingStore.search` says. */
export async function searchScreens(
  pool: pg.Pool,
  { text, session, after, limit }: Parameters<RecordingStore['search']>[0],
): Promise<ScreenHit[]> {
  const { rows } = await pool.query<{
    id: RecordingId;
    session_id: SessionId;
    started_at: Date;
    line: number;
    at_ms: string;
    text: string;
  }>(SEARCH, [searchedWords(text), session, ...cursorOf(after), limit]);
  return rows.map((row) => ({
    recording: row.id,
    session: row.session_id,
    startedAt: row.started_at,
    line: row.line,
    atMs: Number(row.at_ms),
    text: row.text,
  }));
}

function cursorOf(
  after: HitCursor | undefined,
): readonly [Date, string, number] | readonly [null, null, null] {
  return after ? [after.startedAt, after.recording, after.line] : [null, null, null];
}
