import type { AuditEntry } from '../domain/audit/entry.js';
import { auditEntry } from '../domain/audit/entry.js';
import type { EventAction } from '../domain/audit/event.kinds.js';
import type { Actor } from '../domain/person.js';
import type { RecordingId } from '../domain/recording/recording.js';
import type { Session } from '../domain/session/session.js';
import { pause } from './pause.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { RecordingInfo } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';
import { SessionStore } from './ports/session.store.js';

const LOOK_MS = 10_000;
const PAGE = 100;
/** Whoever writes says so every 5 seconds: who missed four of them is dead. */
const SILENT_SECONDS = 20;

/** Ends recordings that a dead replica left open, and drops those whose time is over. Every replica looks. */
export class KeepRecordings {
  private readonly stopping = new AbortController();
  private loop: Promise<void> = Promise.resolve();
  private readonly actor: Actor;
  private suspects: ReadonlySet<RecordingId> = new Set();
  private abandonedCount = 0;

  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly recordings: RecordingStore;
      readonly clock: Clock;
      readonly journal: Journal;
      readonly replica: string;
      readonly silentSeconds?: number;
    },
  ) {
    this.actor = { kind: 'system', replica: deps.replica };
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  /** How many recordings of dead replicas were ended here. */
  get abandoned(): number {
    return this.abandonedCount;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await pause(LOOK_MS, this.stopping.signal);
      if (this.stopping.signal.aborted) return;
      await this.once();
    }
  }

  /**
   * Looks once. What is found silent is ended by the next look, if it is silent still: where the store was away, all
   * are silent when it is back, and those who live say so within a moment.
   */
  async once(): Promise<void> {
    const { recordings, journal, silentSeconds = SILENT_SECONDS } = this.deps;
    const { suspects } = this;
    this.suspects = new Set();
    try {
      const silent = await recordings.silent(silentSeconds, PAGE);
      this.suspects = new Set(silent.map(({ id }) => id));
      for (const one of silent)
        if (suspects.has(one.id)) await this.tried(one, () => this.abandon(one, silentSeconds));
      for (const one of await recordings.due(PAGE)) await this.tried(one, () => this.drop(one));
    } catch (error) {
      journal.error({ err: error }, 'recordings could not be looked after');
    }
  }

  /** So that one which cannot be looked after holds up no other. */
  private async tried({ id }: RecordingInfo, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.deps.journal.error({ err: error, recording: id }, 'a recording cannot be looked after');
    }
  }

  private async abandon(recording: RecordingInfo, silentSeconds: number): Promise<void> {
    const { recordings, store } = this.deps;
    const session = await store.find(recording.session);
    const isEnded = await recordings.abandon(recording.id, silentSeconds, (stored) =>
      this.entry(session, stored, 'recording.abandoned', {
        why: 'Its replica wrote nothing more: what it had not stored is lost, usually less than a second, and more where the store was away.',
        chunks: stored.chunks,
        digest: Buffer.from(stored.digest).toString('hex'),
      }),
    );
    if (!isEnded) return;
    this.abandonedCount++;
    this.deps.journal.warn(
      { recording: recording.id, session: recording.session },
      'a recording that was left open was ended',
    );
  }

  private async drop(recording: RecordingInfo): Promise<void> {
    const session = await this.deps.store.find(recording.session);
    // Its time is over by the database's clock: one that is late must not say otherwise.
    const at = Math.max(this.deps.clock.now().getTime(), recording.keepUntil?.getTime() ?? 0);
    const audit = this.entry(
      session,
      recording,
      'recording.dropped',
      {
        keepUntil: recording.keepUntil?.toISOString(),
        chunks: recording.chunks,
        storedBytes: recording.storedBytes,
        digest: Buffer.from(recording.digest).toString('hex'),
      },
      new Date(at),
    );
    await this.deps.recordings.drop(recording.id, audit);
  }

  private entry(
    session: Session | undefined,
    { id }: RecordingInfo,
    action: EventAction,
    data: object,
    at = this.deps.clock.now(),
  ): AuditEntry {
    return auditEntry({
      at,
      action,
      outcome: action === 'recording.abandoned' ? 'failure' : 'success',
      actor: this.actor,
      ...(session ? { session } : {}),
      data: { recording: id, ...data },
    });
  }
}
