import pg from 'pg';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { compress } from '../../src/adapters/gzip/gzip.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import type { ChunkBodies } from '../../src/adapters/prisma/prisma-recording.store.js';
import { PrismaRecordingStore } from '../../src/adapters/prisma/prisma-recording.store.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import type { RecordingStore } from '../../src/app/ports/recording.store.js';
import { RecordStreams } from '../../src/app/record-streams.js';
import { firstStep } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import type { NewRecording, RecordingId } from '../../src/domain/recording/recording.js';
import type { Session } from '../../src/domain/session/session.js';
import { HandClock, MemoryJournal } from './in-memory.ports.js';
import { requirement, setOf } from './policies.js';
import { putInForce } from './policy.archives.js';
import type { TestDatabase } from './postgres.js';
import { freshDatabase } from './postgres.js';
import { ROBIN, actorOf, grantOf, newSession } from './sessions.js';

/** Recording into real PostgreSQL, whose connections can really be broken. */
export class RecordingLab implements AsyncDisposable {
  readonly clock = new HandClock();
  readonly journal = new MemoryJournal();
  readonly sessions: PrismaSessionStore;
  readonly store: RecordingStore;
  private readonly set = setOf([]);

  private constructor(
    readonly fresh: TestDatabase,
    readonly database: Database,
  ) {
    this.sessions = new PrismaSessionStore(database);
    this.store = this.storeWith();
  }

  static async start(): Promise<RecordingLab> {
    const fresh = await freshDatabase();
    const database = new Database({ url: fresh.serviceUrl, poolSize: 10 }, () => undefined);
    const lab = new RecordingLab(fresh, database);
    await putInForce(new PrismaPolicyArchive(database), lab.set);
    return lab;
  }

  storeWith(bodies?: ChunkBodies): PrismaRecordingStore {
    return new PrismaRecordingStore(this.database, () => () => undefined, bodies);
  }

  recorder(store: RecordingStore = this.store, replica = 'replica-1'): RecordStreams {
    return new RecordStreams({
      store,
      compress,
      clock: this.clock,
      journal: this.journal,
      replica,
    });
  }

  async session(): Promise<Session> {
    const grant = grantOf(this.set.hash, requirement(1, 'payments-leads'));
    const step = firstStep({
      session: { ...newSession({ grant }), state: 'pending' },
      event: 'ask',
      capacities: ['requester'],
      actor: actorOf(ROBIN),
      at: this.clock.now(),
    });
    const written = await this.sessions.write(step);
    if (isProblem(written)) throw new Error(written.detail);
    return written;
  }

  newRecording(session: Session, over: Partial<NewRecording> = {}): NewRecording {
    return {
      session,
      kind: 'terminal',
      way: 'cli',
      person: ROBIN,
      mode: 'strict',
      command: ['/bin/sh'],
      tty: true,
      columns: 80,
      rows: 24,
      input: false,
      keepSeconds: 3_600,
      openMax: 100,
      ...over,
    };
  }

  /** A recording that has just begun, on a session of its own. */
  async recording(
    bodies?: ChunkBodies,
    over: Partial<NewRecording> = {},
  ): Promise<{ store: RecordingStore; session: Session; recording: StreamRecording }> {
    const store = this.storeWith(bodies);
    const session = await this.session();
    const recording = await this.recorder(store).open(
      this.newRecording(session, over),
      actorOf(ROBIN),
    );
    if (isProblem(recording)) throw new Error(recording.detail, { cause: recording.cause });
    return { store, session, recording };
  }

  async count(table: 'recording_bodies' | 'recording_chunks', id: RecordingId): Promise<number> {
    return this.asService(async (client) => {
      const { rowCount } = await client.query(`SELECT 1 FROM ${table} WHERE recording_id = $1`, [
        id,
      ]);
      return rowCount ?? 0;
    });
  }

  async asService<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return asAdmin(this.fresh.serviceUrl, work);
  }

  /** Breaks all connections of the service, and lets nobody in. */
  async breakDatabase(): Promise<void> {
    await this.admin(
      (name) => `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
      (name) =>
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`,
    );
  }

  async mendDatabase(): Promise<void> {
    await this.admin((name) => `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  }

  private async admin(...statements: ((name: string) => string)[]): Promise<void> {
    const url = new URL(this.fresh.adminUrl);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    await asAdmin(url.href, async (client) => {
      for (const statement of statements) await client.query(statement(name));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.fresh.drop();
  }
}
