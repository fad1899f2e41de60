import { compress, decompress } from '../../src/adapters/gzip/gzip.js';
import { asAdmin } from '../../sandbox/database/hallpass.roles.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPolicyArchive } from '../../src/adapters/prisma/prisma-policy.archive.js';
import type { ChunkBodies } from '../../src/adapters/prisma/recording.drop.js';
import { PrismaRecordingStore } from '../../src/adapters/prisma/prisma-recording.store.js';
import { PrismaSessionNews } from '../../src/adapters/prisma/prisma-session.news.js';
import { PrismaSessionStore } from '../../src/adapters/prisma/prisma-session.store.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import type { RecordingStore } from '../../src/app/ports/recording.store.js';
import type { RecordingLimits } from '../../src/app/record-streams.js';
import { RecordStreams } from '../../src/app/record-streams.js';
import { KeepRecordings } from '../../src/app/keep-recordings.js';
import { firstStep } from '../../src/app/session-step.js';
import { isProblem } from '../../src/domain/problem.js';
import type { CastEvent } from '../../src/domain/recording/asciicast.js';
import { CastReader } from '../../src/domain/recording/asciicast.js';
import { firstDigest, nextDigest } from '../../src/domain/recording/digest.chain.js';
import type { NewRecording, RecordingId } from '../../src/domain/recording/recording.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
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
  readonly news: PrismaSessionNews;
  readonly store: PrismaRecordingStore;
  private readonly set = setOf([]);

  private constructor(
    readonly fresh: TestDatabase,
    readonly database: Database,
  ) {
    this.sessions = new PrismaSessionStore(database);
    this.news = new PrismaSessionNews(fresh.serviceUrl, this.journal);
    this.store = this.storeWith();
  }

  static async start(): Promise<RecordingLab> {
    const fresh = await freshDatabase();
    const database = new Database({ url: fresh.serviceUrl, poolSize: 12 }, () => undefined);
    const lab = new RecordingLab(fresh, database);
    await lab.news.open();
    await putInForce(new PrismaPolicyArchive(database), lab.set);
    return lab;
  }

  storeWith(bodies?: ChunkBodies): PrismaRecordingStore {
    const told = (heard: (session: SessionId) => void) => this.news.subscribeRecordings(heard);
    return new PrismaRecordingStore(this.database, told, bodies);
  }

  recorder(
    over: { replica?: string; limits?: RecordingLimits; store?: RecordingStore } = {},
  ): RecordStreams {
    const { store, clock, journal } = this;
    return new RecordStreams({ store, compress, clock, journal, replica: 'replica-1', ...over });
  }

  keeper(silentSeconds = 20, replica = 'replica-2', recordings = this.store): KeepRecordings {
    const { sessions: store, clock, journal } = this;
    return new KeepRecordings({ store, recordings, clock, journal, replica, silentSeconds });
  }

  /** A session that was granted, with leads of `payments-leads` as approvers. */
  async session(over: Partial<Session> = {}): Promise<Session> {
    const session = newSession({
      grant: grantOf(this.set.hash, requirement(1, 'payments-leads')),
      ...over,
    });
    const step = firstStep({
      session: { ...session, state: 'pending' },
      event: 'ask',
      capacities: ['requester'],
      actor: actorOf(session.requester),
      at: this.clock.now(),
    });
    const written = await this.sessions.write(step);
    if (isProblem(written)) throw new Error(written.detail);
    return written;
  }

  async open(
    recorder: RecordStreams,
    over: Partial<NewRecording> & { session: Session },
  ): Promise<StreamRecording> {
    const opened = await recorder.open(newRecording(over), actorOf(ROBIN));
    if (isProblem(opened)) throw new Error(opened.detail, { cause: opened.cause });
    return opened;
  }

  /** A recording that has just begun, on a session of its own. */
  async recording(bodies?: ChunkBodies) {
    const store = this.storeWith(bodies);
    const session = await this.session();
    return { store, session, recording: await this.open(this.recorder({ store }), { session }) };
  }

  async count(table: 'recording_bodies' | 'recording_chunks', id: RecordingId): Promise<number> {
    return (await this.asService(`SELECT 1 FROM ${table} WHERE recording_id = $1`, [id])).length;
  }

  /** The events of a recording as stored; its chain, followed by hand, ends where the recording says. */
  async events(id: RecordingId): Promise<CastEvent[]> {
    const info = await this.store.find(id);
    if (!info) throw new Error(`no recording ${id}`);
    let digest = firstDigest(info.header);
    let text = '';
    for (const chunk of await this.store.chunks(id, 0, 10_000)) {
      digest = nextDigest(digest, chunk.bytes);
      if (!digest.equals(chunk.digest)) throw new Error(`chunk ${chunk.seq} is broken`);
      text += (await decompress(chunk.bytes)).toString();
    }
    if (!digest.equals(info.digest)) throw new Error('the chain ends elsewhere');
    const reader = new CastReader();
    return text.split('\n').flatMap((line) => reader.read(line) ?? []);
  }

  /** What was shown, as the recording has it. */
  async shown(id: RecordingId, code: CastEvent['code'] = 'o'): Promise<string> {
    const events = await this.events(id);
    return events.map((event) => (event.code === code ? event.data : '')).join('');
  }

  /** The audit log's bodies about the recordings of a session, oldest first. */
  async audits(session: Session): Promise<{ action: string; data: Record<string, unknown> }[]> {
    const rows = await this.asService<{ body: Buffer }>(
      `SELECT body FROM audit_events WHERE session_id = $1 AND action LIKE 'recording.%' ORDER BY at, id`,
      [session.id],
    );
    return rows.map(
      ({ body }) =>
        JSON.parse(body.toString()) as { action: string; data: Record<string, unknown> },
    );
  }

  async asService<R>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.as(this.fresh.serviceUrl, sql, values);
  }

  async asOwner<R>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.as(this.fresh.ownerUrl, sql, values);
  }

  async asAdmin<R>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    return this.as(this.fresh.adminUrl, sql, values);
  }

  /** How many wait for somebody else's lock. */
  async waiting(): Promise<number> {
    const sql = `SELECT 1 FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    return (await this.asAdmin(sql)).length;
  }

  /** Moves what the database knows of a recording's times into the past, which only its administrator can. */
  async age(id: RecordingId, seconds: number): Promise<void> {
    await asAdmin(this.fresh.adminUrl, async (client) => {
      await client.query('ALTER TABLE recordings DISABLE TRIGGER recording_ends_once');
      await client.query(
        `UPDATE recordings SET beat_at = beat_at - make_interval(secs => $2),
           ended_at = ended_at - make_interval(secs => $2) WHERE id = $1`,
        [id, seconds],
      );
      await client.query('ALTER TABLE recordings ENABLE ALWAYS TRIGGER recording_ends_once');
    });
  }

  private async as<R>(url: string, sql: string, values: readonly unknown[]): Promise<R[]> {
    return asAdmin(url, async (client) => (await client.query(sql, [...values])).rows as R[]);
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
    await this.news.close();
    await this.database.close();
    await this.fresh.drop();
  }
}

export function newRecording(over: Partial<NewRecording> & { session: Session }): NewRecording {
  return {
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
