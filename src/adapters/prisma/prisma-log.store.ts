import type pg from 'pg';
import type { LogEntry, Placed, Round, SignedHead } from '../../app/ports/log.store.js';
import { LogStore, MissingHashes } from '../../app/ports/log.store.js';
import type { Hash } from '../../domain/audit/merkle.tree.js';
import { HASH_BYTES } from '../../domain/audit/merkle.tree.js';
import type { TileId } from '../../domain/audit/tlog.tiles.js';
import { TILE_WIDTH } from '../../domain/audit/tlog.tiles.js';
import type { Database } from './database.js';
import { writeFacts } from './audit-facts.sql.js';
import { inTransaction } from './transaction.js';

/** Of advisory locks: whoever has it gives places. "hallpass" in ASCII, so that it is nobody else's. */
const SEQUENCER_LOCK = '7521973895106982771';

/** Where it was dropped at the end of its time. */
const NO_BODY = Buffer.alloc(0);

interface HeadRow {
  readonly origin: string;
  readonly size: string;
  readonly root: Buffer;
  readonly note: string;
  readonly signed_at: Date;
}

const HEAD = `SELECT origin, size, root, note, signed_at FROM audit_checkpoints`;

/** The audit log's places and heads in PostgreSQL, where this role can add and read and nothing else. */
export class PrismaLogStore extends LogStore {
  constructor(private readonly database: Database) {
    super();
  }

  async isWaiting(): Promise<boolean> {
    const { rows } = await this.database.pool.query<{ waits: boolean }>(
      'SELECT EXISTS (SELECT FROM audit_pending) AS waits',
    );
    return rows[0]?.waits === true;
  }

  async round(
    limit: number,
    place: (round: Round) => Promise<Placed | undefined>,
  ): Promise<SignedHead | undefined> {
    return inTransaction(this.database.pool, async (client) => {
      const lock = await client.query<{ has: boolean }>(
        'SELECT pg_try_advisory_xact_lock($1::bigint) AS has',
        [SEQUENCER_LOCK],
      );
      if (lock.rows[0]?.has !== true) return undefined;
      const placed = await place(await roundOf(client, limit));
      if (placed === undefined) return undefined;
      await write(client, placed);
      return placed.head;
    });
  }

  async head(origin: string): Promise<SignedHead | undefined> {
    const { rows } = await this.database.pool.query<HeadRow>(
      `${HEAD} WHERE origin = $1 ORDER BY size DESC LIMIT 1`,
      [origin],
    );
    return rows[0] && headOf(rows[0]);
  }

  async newest(): Promise<Pick<Round, 'latest' | 'places'>> {
    const { rows } = await this.database.pool.query<{ places: string } & HeadRow>(
      `SELECT p.places, c.*
       FROM (SELECT coalesce(max(index) + 1, 0) AS places FROM audit_leaves) AS p
       LEFT JOIN LATERAL (${HEAD} ORDER BY size DESC, signed_at DESC LIMIT 1) AS c ON true`,
    );
    const [row] = rows;
    // Without a head the columns of one are null.
    const hasHead = row !== undefined && (row.origin as string | null) !== null;
    return { latest: hasHead ? headOf(row) : undefined, places: Number(row?.places) };
  }

  tiles(ids: readonly TileId[]): Promise<Buffer[]> {
    return tilesOf(this.database.pool, ids);
  }

  async placeOf(eventId: string): Promise<{ index: number; leafHash: Hash } | undefined> {
    const { rows } = await this.database.pool.query<{ index: string; leaf_hash: Buffer }>(
      'SELECT index, leaf_hash FROM audit_leaves WHERE event_id = $1',
      [eventId],
    );
    return rows[0] && { index: Number(rows[0].index), leafHash: rows[0].leaf_hash };
  }

  async entries(begin: number, count: number): Promise<LogEntry[]> {
    const { rows } = await this.database.pool.query<{
      index: string;
      event_id: string;
      leaf_hash: Buffer;
      body: Buffer | null;
    }>(
      `SELECT l.index, l.event_id, l.leaf_hash, e.body
       FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
       WHERE l.index >= $1 AND l.index < $2 ORDER BY l.index`,
      [begin, begin + count],
    );
    return rows.map(({ index, event_id, leaf_hash, body }) => ({
      index: Number(index),
      eventId: event_id,
      leafHash: leaf_hash,
      body: body ?? NO_BODY,
    }));
  }
}

/** What there is for whoever has the lock. What waits is taken away: it comes back where the transaction ends in vain. */
async function roundOf(client: pg.PoolClient, limit: number): Promise<Round> {
  const latest = await client.query<HeadRow>(`${HEAD} ORDER BY size DESC, signed_at DESC LIMIT 1`);
  const places = await client.query<{ places: string }>(
    'SELECT coalesce(max(index) + 1, 0) AS places FROM audit_leaves',
  );
  const waiting = await client.query<{ seq: string; id: string; body: Buffer; leaf_hash: Buffer }>(
    `WITH taken AS (
       DELETE FROM audit_pending
       WHERE seq IN (SELECT seq FROM audit_pending ORDER BY seq LIMIT $1)
       RETURNING seq, event_id
     )
     SELECT t.seq, e.id, e.body, e.leaf_hash
     FROM taken t JOIN audit_events e ON e.id = t.event_id ORDER BY t.seq`,
    [limit],
  );
  return {
    latest: latest.rows[0] && headOf(latest.rows[0]),
    places: Number(places.rows[0]?.places),
    waiting: waiting.rows.map(({ id, body, leaf_hash }) => ({
      eventId: id,
      body,
      leafHash: leaf_hash,
    })),
    tiles: (ids) => tilesOf(client, ids),
  };
}

async function write(client: pg.PoolClient, { leaves, nodes, head }: Placed): Promise<void> {
  await client.query(
    `INSERT INTO audit_leaves (index, event_id, leaf_hash)
     SELECT $1::bigint + n - 1, id, hash
     FROM unnest($2::uuid[], $3::bytea[]) WITH ORDINALITY AS t (id, hash, n)`,
    [
      head.size - leaves.length,
      leaves.map(({ eventId }) => eventId),
      leaves.map(({ leafHash }) => leafHash),
    ],
  );
  await writeFacts(
    client,
    leaves.map(({ facts }, at) => ({ index: head.size - leaves.length + at, facts })),
  );
  if (nodes.length > 0) {
    await client.query(
      `INSERT INTO audit_nodes (level, index, hash)
       SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])`,
      [
        nodes.map(({ level }) => level),
        nodes.map(({ index }) => index),
        nodes.map(({ hash }) => hash),
      ],
    );
  }
  await client.query(
    `INSERT INTO audit_checkpoints (origin, size, root, note, signed_at) VALUES ($1, $2, $3, $4, $5)`,
    [head.origin, head.size, head.root, head.note, head.signedAt],
  );
}

async function tilesOf(db: pg.Pool | pg.PoolClient, ids: readonly TileId[]): Promise<Buffer[]> {
  if (ids.length === 0) return [];
  const { rows } = await db.query<{ hashes: Buffer | null }>(
    `SELECT CASE WHEN t.level = 0 THEN (
         SELECT string_agg(leaf_hash, ''::bytea ORDER BY index) FROM audit_leaves
         WHERE index >= t.first AND index < t.first + t.width
       ) ELSE (
         SELECT string_agg(hash, ''::bytea ORDER BY index) FROM audit_nodes n
         WHERE n.level = t.level AND index >= t.first AND index < t.first + t.width
       ) END AS hashes
     FROM unnest($1::smallint[], $2::bigint[], $3::int[]) WITH ORDINALITY AS t (level, first, width, n)
     ORDER BY t.n`,
    [
      ids.map(({ level }) => level),
      ids.map(({ index }) => index * TILE_WIDTH),
      ids.map(({ width }) => width),
    ],
  );
  return rows.map(({ hashes }, at) => {
    const { level, index, width } = ids[at] ?? { level: 0, index: 0, width: 0 };
    if (hashes?.length !== width * HASH_BYTES) {
      throw new MissingHashes(`the tile ${level}/${index} has not ${width} hashes`);
    }
    return hashes;
  });
}

function headOf({ origin, size, root, note, signed_at }: HeadRow): SignedHead {
  return { origin, size: Number(size), root, note, signedAt: signed_at };
}
