import type { AuditEntry } from '../src/domain/audit/entry.js';
import { auditEntry } from '../src/domain/audit/entry.js';
import { PrismaLogStore } from '../src/adapters/prisma/prisma-log.store.js';
import type { Placed, Round, SignedHead } from '../src/app/ports/log.store.js';
import type { AuditStage } from './audit.stage.js';
import { AUDITOR, POOL_SIZE } from './audit.stage.js';

const PLAIN_INSERT = {
  name: 'bench_plain',
  text: 'INSERT INTO bench_plain (id, at, action, session_id, body, leaf_hash) VALUES ($1, $2, $3, $4, $5, $6)',
};

/** Durations of single writes, and how long all of them took together. */
export interface Writes {
  readonly eachMs: number[];
  totalMs: number;
}

/**
 * Events written one a transaction, as many at once as there are connections; and the same bytes into a table that does
 * nothing with them. In turns, so that whatever else the machine does meets both alike.
 */
export async function writesInTurns(
  stage: AuditStage,
  {
    rounds,
    each,
    signal,
  }: { readonly rounds: number; readonly each: number; readonly signal: AbortSignal },
): Promise<{ readonly append: Writes; readonly plain: Writes }> {
  const append: Writes = { eachMs: [], totalMs: 0 };
  const plain: Writes = { eachMs: [], totalMs: 0 };
  for (let round = 0; round <= rounds; round++) {
    signal.throwIfAborted();
    const entries = Array.from({ length: each }, (_, at) => entryOf(stage, at));
    const [intoLog, intoPlain] = round === 0 ? [fresh(), fresh()] : [append, plain];
    await written(entries, intoPlain, async ({ id, at, action, sessionId, body, leafHash }) => {
      const values = [id, at, action, sessionId, body, leafHash];
      await stage.database.pool.query({ ...PLAIN_INSERT, values });
    });
    await written(entries, intoLog, (entry) => stage.audit.append(entry));
    await stage.settle();
  }
  return { append, plain };
}

function fresh(): Writes {
  return { eachMs: [], totalMs: 0 };
}

async function written(
  entries: readonly AuditEntry[],
  into: Writes,
  write: (entry: AuditEntry) => Promise<void>,
): Promise<void> {
  const left = [...entries];
  const fromMs = performance.now();
  const writer = async () => {
    for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
      const beganMs = performance.now();
      await write(entry);
      into.eachMs.push(performance.now() - beganMs);
    }
  };
  await Promise.all(Array.from({ length: POOL_SIZE }, writer));
  into.totalMs += performance.now() - fromMs;
}

/** About as much as a step of a session is. */
function entryOf({ clock }: AuditStage, number: number): AuditEntry {
  return auditEntry({
    at: clock.now(),
    action: 'recording.searched',
    outcome: 'success',
    actor: AUDITOR.actor,
    data: { number, text: 'what was looked for in the recordings of these days '.repeat(8) },
  });
}

/** Knows when each event was first under a checkpoint. */
class TimedStore extends PrismaLogStore {
  readonly coveredMs = new Map<string, number>();

  override async round(
    limit: number,
    place: (round: Round) => Promise<Placed | undefined>,
  ): Promise<SignedHead | undefined> {
    let ids: string[] = [];
    const head = await super.round(limit, (round) => {
      ids = round.waiting.map(({ eventId }) => eventId);
      return place(round);
    });
    const atMs = performance.now();
    if (head) for (const id of ids) this.coveredMs.set(id, atMs);
    return head;
  }
}

const TICK_MS = 10;

/** From the commit of each event until a checkpoint that covers it is committed, in milliseconds. */
export async function sequencingDelays(
  stage: AuditStage,
  {
    perSecond,
    seconds,
    signal,
  }: { readonly perSecond: number; readonly seconds: number; readonly signal: AbortSignal },
): Promise<{ readonly delaysMs: readonly number[]; readonly reachedPerSecond: number }> {
  const store = new TimedStore(stage.database);
  const sequence = stage.sequencer(store);
  const committedMs = new Map<string, number>();
  const writes: Promise<void>[] = [];
  const total = perSecond * seconds;
  sequence.start();
  const beganMs = performance.now();
  try {
    while (writes.length < total) {
      signal.throwIfAborted();
      const due = Math.min(total, Math.floor(((performance.now() - beganMs) / 1_000) * perSecond));
      while (writes.length < due) {
        const entry = entryOf(stage, writes.length);
        const write = stage.audit.append(entry);
        writes.push(write.then(() => void committedMs.set(entry.id, performance.now())));
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await Promise.all(writes);
    const tookMs = performance.now() - beganMs;
    while (store.coveredMs.size < total && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    // It may be known here that it is covered before it is known that it is written.
    const delaysMs = [...committedMs].map(([id, atMs]) =>
      Math.max(0, (store.coveredMs.get(id) ?? Infinity) - atMs),
    );
    return { delaysMs, reachedPerSecond: (total / tookMs) * 1_000 };
  } finally {
    await Promise.allSettled(writes);
    await sequence.stop();
  }
}
