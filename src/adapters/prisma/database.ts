import { AsyncLocalStorage } from 'node:async_hooks';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.js';

export interface DatabaseSettings {
  /** A PostgreSQL URL, asked for with each new connection where its password may change. Secret: it holds the password. */
  readonly url: string | (() => string);
  readonly poolSize: number;
}

/** A pool of connections, for Prisma and for what Prisma has no words for. */
interface Lane {
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
}

/** So many of ten connections are kept for what ends sessions: whoever asks cannot have them. */
const KEPT_OF_TEN = 3;
/** So many may wait for each of them, and then those who want something wait with all others. */
const WAITING_PER_KEPT_MAX = 10;

/** The connections to the database, of which some are kept for what must not wait behind the rest. */
export class Database {
  private readonly usual: Lane;
  private readonly kept: Lane;
  private readonly urgent = new AsyncLocalStorage<true>();

  constructor(
    readonly settings: DatabaseSettings,
    onError: (error: Error) => void,
  ) {
    const { url, poolSize } = settings;
    const kept = Math.floor((poolSize * KEPT_OF_TEN) / 10);
    // Some work holds one connection while it asks by another: so few cannot be parted.
    const isParted = poolSize > 2;
    this.usual = laneOf(url, isParted ? poolSize - Math.max(1, kept) : poolSize, onError);
    this.kept = isParted ? laneOf(url, Math.max(1, kept), onError) : this.usual;
  }

  get pool(): pg.Pool {
    return this.lane.pool;
  }

  get prisma(): PrismaClient {
    return this.lane.prisma;
  }

  /** How many wait for a connection that is not kept. */
  get waiting(): number {
    return this.usual.pool.waitingCount;
  }

  /** Does work, and all that it begins, on the connections that are kept for it. */
  urgently<T>(work: () => T): T {
    return this.urgent.run(true, work);
  }

  /**
   * The same for what people want, as long as not too many do: nobody holds up what ends sessions by itself, or the word
   * that this replica can serve, by wanting to end some.
   */
  urgentlyIfFew<T>(work: () => T): T {
    const { waitingCount, options } = this.kept.pool;
    return waitingCount < options.max * WAITING_PER_KEPT_MAX ? this.urgently(work) : work();
  }

  async close(): Promise<void> {
    for (const { prisma, pool } of new Set([this.usual, this.kept])) {
      await prisma.$disconnect();
      await pool.end();
    }
  }

  private get lane(): Lane {
    return this.urgent.getStore() ? this.kept : this.usual;
  }
}

function laneOf(url: DatabaseSettings['url'], max: number, onError: (error: Error) => void): Lane {
  const pool = new pg.Pool({
    ...(typeof url === 'string' ? { connectionString: url } : { Client: clientTo(url) }),
    max,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
    application_name: 'hallpass',
  });
  // An idle connection that breaks is replaced by the pool; unheard, its error would end the process.
  pool.on('error', onError);
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, {
      onPoolError: onError,
      onConnectionError: onError,
      statementNameGenerator: statementNames(),
    }),
  });
  return { pool, prisma };
}

/** A pool keeps what it was given: what its clients connect to is asked for by them. */
function clientTo(url: () => string): new () => pg.Client {
  return class extends pg.Client {
    constructor(options?: pg.ClientConfig) {
      super({ ...options, connectionString: url() });
    }
  };
}

/** Each connection keeps every statement that has a name. */
const NAMED_STATEMENTS_MAX = 100;

/**
 * Names for statements: one that has a name is parsed and planned once for a connection, and that is half of what the
 * long ones cost. Lists are asked for in ever other words; what comes when all names are given has none (`''`).
 */
function statementNames(): (statement: { readonly sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= NAMED_STATEMENTS_MAX) return known ?? '';
    const name = `hallpass_${names.size}`;
    names.set(sql, name);
    return name;
  };
}

/** Whether an error says that the database cannot be reached, takes nobody or nothing, or is shutting down (class 08, 53, 57P). */
export function isDatabaseDown(error: unknown): boolean {
  for (
    let at: unknown = error, depth = 0;
    at instanceof Error && depth < 5;
    at = at.cause, depth++
  ) {
    const code = 'code' in at ? String(at.code) : '';
    const message = `${at.message} ${JSON.stringify('meta' in at ? at.meta : '')}`;
    if (DOWN_CODES.has(code) || code.startsWith('08') || DOWN_WORDS.test(message)) return true;
  }
  return false;
}

const DOWN_CODES = new Set([
  '57P01',
  '57P02',
  '57P03',
  '53300',
  // The password of before, or the one of after.
  '28P01',
  // No room on its disk, or in its memory; a disk that fails; one that was promoted away from and only reads.
  '53100',
  '53200',
  '58030',
  '25006',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  // A transaction that could not begin, or not end, in time: one waits for another in lockCounted.
  'P2028',
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
]);
const DOWN_WORDS =
  /ECONNREFUSED|ECONNRESET|connection terminated|timeout exceeded when trying to connect|57P0[123]|the database system is|not currently accepting connections|too many (?:clients|connections)|Can't reach database|DatabaseNotReachable|ConnectionClosed|SocketTimeout|No space left on device|could not extend file|read-only transaction/i;
