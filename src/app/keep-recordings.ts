import { auditEntry } from '../domain/audit/entry.js';
import type { Actor } from '../domain/person.js';
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
      try {
        await this.once();
      } catch (error) {
        this.deps.journal.error({ err: error }, 'recordings could not be looked after');
      }
    }
  }

  /** Looks once. */
  async once(): Promise<void> {
    const { recordings, silentSeconds = SILENT_SECONDS } = this.deps;
    for (const one of await recordings.silent(silentSeconds, PAGE)) await this.abandon(one);
    for (const one of await recordings.due(PAGE)) await this.drop(one);
  }

  private async abandon(recording: RecordingInfo): Promise<void> {
    const { recordings, clock } = this.deps;
    const at = clock.now();
    const audit = await this.entry(recording, 'recording.abandoned', {
      why: 'Its replica wrote nothing more: what it had not stored, about a second, is lost.',
      chunks: recording.chunks,
      digest: Buffer.from(recording.digest).toString('hex'),
    });
    if (!(await recordings.finish({ id: recording.id, at, end: null, audit }))) return;
    this.abandonedCount++;
    this.deps.journal.warn(
      { recording: recording.id, session: recording.session },
      'a recording that was left open was ended',
    );
  }

  private async drop(recording: RecordingInfo): Promise<void> {
    const audit = await this.entry(recording, 'recording.dropped', {
      keepUntil: recording.keepUntil?.toISOString(),
      chunks: recording.chunks,
      storedBytes: recording.storedBytes,
      digest: Buffer.from(recording.digest).toString('hex'),
    });
    await this.deps.recordings.drop(recording.id, audit);
  }

  private async entry({ id, session }: RecordingInfo, action: string, data: object) {
    const found = await this.deps.store.find(session);
    return auditEntry({
      at: this.deps.clock.now(),
      action,
      outcome: action === 'recording.abandoned' ? 'failure' : 'success',
      actor: this.actor,
      ...(found ? { session: found } : {}),
      data: { recording: id, ...data },
    });
  }
}
