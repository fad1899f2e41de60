import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startDatabase } from '../sandbox/database/embedded.database.js';
import { prepareDatabase } from '../sandbox/database/hallpass.roles.js';
import { roleUrl } from '../sandbox/database/role.urls.js';
import { Database } from '../src/adapters/prisma/database.js';
import { migrate, MIGRATIONS_DIR } from '../src/adapters/prisma/migrate.runner.js';
import { PrismaAuditIndex } from '../src/adapters/prisma/prisma-audit.index.js';
import { PrismaAuditLog } from '../src/adapters/prisma/prisma-audit.log.js';
import { PrismaLogStore } from '../src/adapters/prisma/prisma-log.store.js';
import type { Caller } from '../src/app/caller.js';
import { hashesOf } from '../src/app/log.hashes.js';
import { ReadLog } from '../src/app/read-log.js';
import { SearchAudit } from '../src/app/search-audit.js';
import { SequenceLog } from '../src/app/sequence-log.js';
import { signCheckpoint } from '../src/domain/audit/checkpoint.js';
import { GrowingTree, HASH_BYTES, perfectSubtrees } from '../src/domain/audit/merkle.tree.js';
import type { SignerKey } from '../src/domain/audit/signed.note.js';
import { makeKey, readSigner } from '../src/domain/audit/signed.note.js';
import { TILE_HEIGHT, TILE_WIDTH } from '../src/domain/audit/tlog.tiles.js';
import { EACH_MS, FIRST_MS, fill } from './audit.fill.js';

export const ORIGIN = 'hallpass.example/v1/audit';
/** As many connections as the broker has by default. */
export const POOL_SIZE = 10;
/** How often the sequencer looks by default. */
const EVERY_MS = 200;
/** Of leaves, when the tree is made above what was filled in. */
const SLICE = 256 * TILE_WIDTH;

export const AUDITOR: Caller = {
  actor: {
    kind: 'person',
    person: { iss: 'https://idp.example', sub: 'auditor', groups: ['security'] },
    signIn: {},
    channel: 'cli',
  },
  roles: ['auditor'],
};

/** The audit log on a PostgreSQL of its own, as durable as it is by default, and what the broker does with it. */
export class AuditStage implements AsyncDisposable {
  /** Goes on where the log's times end: what is written while it is measured is a part of it as all else. */
  readonly clock = { now: () => new Date(FIRST_MS + this.size * EACH_MS) };
  readonly signer = newSigner();
  readonly audit: PrismaAuditLog;
  readonly store: PrismaLogStore;
  readonly search: SearchAudit;
  readonly reading: ReadLog;
  private size = 0;

  private constructor(
    readonly database: Database,
    private readonly adminUrl: string,
    readonly folder: string,
    readonly postgresql: string,
    private readonly opened: AsyncDisposableStack,
  ) {
    const { clock } = this;
    const audit = new PrismaAuditLog(database);
    const store = new PrismaLogStore(database);
    this.audit = audit;
    this.store = store;
    this.search = new SearchAudit({ index: new PrismaAuditIndex(database), log: audit, clock });
    this.reading = new ReadLog({ store, audit, clock, origin: ORIGIN, signers: [this.signer] });
  }

  static async start(): Promise<AuditStage> {
    await using opened = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'hallpass-bench-'));
    opened.defer(() => rm(folder, { recursive: true, force: true }));
    // PostgreSQL may have to run as another user, who walks through here.
    await chmod(folder, 0o711);
    const server = await startDatabase({ dataDir: join(folder, 'postgresql') });
    opened.defer(() => server.stop());
    const { ownerUrl, serviceUrl, serviceUser } = await prepareDatabase({
      adminUrl: server.adminUrl,
      database: 'hallpass',
    });
    const log = () => undefined;
    const report = await migrate({ ownerUrl, serviceUser, migrationsDir: MIGRATIONS_DIR, log });
    if (report.kind === 'refused') throw new Error(report.sentence, { cause: report.cause });
    const adminUrl = roleUrl(server.adminUrl, { database: 'hallpass' });
    await asAdmin(adminUrl, PLAIN, `GRANT INSERT ON bench_plain TO ${serviceUser}`, ...WAL);
    const database = new Database({ url: serviceUrl, poolSize: POOL_SIZE }, () => undefined);
    opened.defer(() => database.close());
    const { rows } = await database.pool.query<{ server_version: string }>('SHOW server_version');
    const version = rows[0]?.server_version ?? '';
    return new AuditStage(database, adminUrl, folder, version, opened.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.opened.disposeAsync();
  }

  sequencer(store = this.store): SequenceLog {
    const fail = (facts: object, what: string) => {
      throw new Error(`${what}: ${JSON.stringify(facts)}`);
    };
    return new SequenceLog({
      store,
      origin: ORIGIN,
      signers: [this.signer],
      everyMs: EVERY_MS,
      clock: this.clock,
      journal: { info: () => undefined, warn: fail, error: fail },
    });
  }

  /** Gives places to all that waits. @returns how many events the log has. */
  async settle(): Promise<number> {
    const sequence = this.sequencer();
    while ((await sequence.once()) === 'more');
    const head = await this.store.head(ORIGIN);
    return (this.size = head?.size ?? 0);
  }

  /** Fills the log until it has so many events, and signs it. */
  async fillTo(end: number, signal: AbortSignal): Promise<void> {
    const begin = await this.settle();
    if (begin >= end) return;
    await fill(this.adminUrl, { begin, end, signal });
    const ranges = perfectSubtrees({ begin: 0, end: begin }).map(({ level, index }) => ({
      begin: index * 2 ** level,
      end: (index + 1) * 2 ** level,
    }));
    const below = await hashesOf(ranges, begin, (ids) => this.store.tiles(ids));
    const tree = GrowingTree.of(begin, below);
    while (tree.size < end) {
      signal.throwIfAborted();
      await this.treeAbove(tree, Math.min(end, tree.size + SLICE));
    }
    await this.sign(tree);
    this.size = end;
  }

  private async treeAbove(tree: GrowingTree, end: number): Promise<void> {
    const { rows } = await this.database.pool.query<{ hashes: Buffer }>(
      `SELECT string_agg(leaf_hash, ''::bytea ORDER BY index) AS hashes FROM audit_leaves
       WHERE index >= $1 AND index < $2`,
      [tree.size, end],
    );
    const hashes = rows[0]?.hashes ?? Buffer.alloc(0);
    const nodes: { level: number; index: number; hash: Buffer }[] = [];
    for (let at = 0; at < hashes.length; at += HASH_BYTES) {
      tree.append(hashes.subarray(at, at + HASH_BYTES), ({ level, index }, hash) => {
        if (level % TILE_HEIGHT === 0) nodes.push({ level: level / TILE_HEIGHT, index, hash });
      });
    }
    await this.database.pool.query(
      `INSERT INTO audit_nodes SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])`,
      [
        nodes.map(({ level }) => level),
        nodes.map(({ index }) => index),
        nodes.map(({ hash }) => hash),
      ],
    );
  }

  private async sign(tree: GrowingTree): Promise<void> {
    const head = { origin: ORIGIN, size: tree.size, root: tree.root() };
    await this.database.pool.query(
      `INSERT INTO audit_checkpoints (origin, size, root, note, signed_at) VALUES ($1, $2, $3, $4, now())`,
      [head.origin, head.size, head.root, signCheckpoint(head, [this.signer])],
    );
  }
}

/** The same columns and the same key, and nothing that is done or checked besides. */
const PLAIN = `CREATE TABLE bench_plain (
  id uuid PRIMARY KEY, at timestamptz(3) NOT NULL, action text NOT NULL, session_id text, body bytea NOT NULL, leaf_hash bytea NOT NULL
)`;
/** What is filled in makes more of it than sessions ever do. */
const WAL = [`ALTER SYSTEM SET max_wal_size = '4GB'`, 'SELECT pg_reload_conf()'];

async function asAdmin(connectionString: string, ...statements: readonly string[]): Promise<void> {
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  try {
    for (const statement of statements) await admin.query(statement);
  } finally {
    await admin.end();
  }
}

function newSigner(): SignerKey {
  const key = readSigner(makeKey(ORIGIN).signer);
  if (typeof key === 'string') throw new Error(key);
  return key;
}
