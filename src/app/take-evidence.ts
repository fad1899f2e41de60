import { createHash } from 'node:crypto';
import { auditEntry } from '../domain/audit/entry.js';
import type { AuditEntry } from '../domain/audit/entry.js';
import type { SignerKey } from '../domain/audit/signed.note.js';
import { ARCHIVE_BOUNDS } from '../domain/evidence/archive.names.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { maySee, personOf } from './caller.js';
import { EvidenceRecordings } from './evidence.recordings.js';
import type { EvidenceSource } from './evidence.writer.js';
import { EvidenceWriter } from './evidence.writer.js';
import { isOfOneMoment } from './evidence.moment.js';
import { pause } from './pause.js';
import type { Archives } from './ports/archives.js';
import type { AuditLog } from './ports/audit.log.js';
import type { Clock } from './ports/clock.js';
import type { LogStore, SignedHead } from './ports/log.store.js';
import type { PolicyArchive } from './ports/policy.archive.js';
import type { RecordingInfo, RecordingStore, ScreenLine } from './ports/recording.store.js';
import type { ReviewStore } from './ports/review.store.js';
import type { SessionEntry, SessionLog } from './ports/session.log.js';
import type { SessionStore } from './ports/session.store.js';
import { mayRead } from './read-recordings.js';
import { absent } from './read-session.js';

/** More than any session has: a request for more is an error of somebody's, or an attack. */
const EVENTS_MAX = 20_000;
const BODIES_BYTES_MAX = 64 * 1024 * 1024;
const RECORDED_BYTES_MAX = 2 * 1024 * 1024 * 1024;
const RECORDINGS_MAX = 2_000;
const CHUNKS_MAX = 150_000;
/** How long events are waited for that have no place yet, which takes less than a second. */
const PATIENCE_MS = 5_000;
const LOOK_MS = 50;
/** Of each recording, on the page; all of it is in the recording. */
const SCREEN_LINES_MAX = 500;
const NEVER = new AbortController().signal;

/** An archive that somebody may have. */
export interface Evidence {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** What belongs together of one moment. */
interface Moment {
  readonly session: Session;
  readonly entries: readonly SessionEntry[];
  readonly recordings: readonly RecordingInfo[];
}

export interface TakeEvidenceDeps {
  readonly store: SessionStore;
  readonly recordings: RecordingStore;
  readonly reviews: Pick<ReviewStore, 'find'>;
  readonly policies: Pick<PolicyArchive, 'files'>;
  readonly sessionLog: SessionLog;
  readonly audit: AuditLog;
  readonly log: LogStore;
  readonly archives: Archives;
  readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
  readonly clock: Clock;
  readonly origin: string;
  readonly signers: readonly SignerKey[];
  readonly patienceMs?: number;
}

/**
 * All evidence of a session in one archive, with the proof of every event under one checkpoint. Taking it is an event,
 * written before anything is given; it holds the digest of what is given, and so the log vouches for the whole archive.
 */
export class TakeEvidence {
  private readonly writer: EvidenceWriter;

  constructor(private readonly deps: TakeEvidenceDeps) {
    this.writer = new EvidenceWriter({
      ...deps,
      recorded: new EvidenceRecordings(deps),
    });
  }

  /** `not-found` as for a session that is not there; `evidence-not-ready` where events wait for their place for long. */
  async take(caller: Caller, id: SessionId): Promise<Evidence | Problem> {
    const { store, recordings, archives } = this.deps;
    const session = await store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    const extent = await this.deps.sessionLog.extent(id);
    const recorded = await recordings.ofSession(id);
    if (isTooMuch(extent, recorded)) return tooLarge(id);
    const isReader = mayRead(caller, session);
    if (isReader) await this.tellReading(caller, session, recorded);

    const moment = await this.moment(id);
    if (isProblem(moment)) return moment;
    if (isTooMuch(extent, moment.recordings)) return tooLarge(id);
    const at = this.deps.clock.now();
    const source = await this.source(caller, { ...moment, at, isReader });
    const prepared = await this.writer.prepare(source);
    if (prepared.bytes > ARCHIVE_BOUNDS.filesBytes) return tooLarge(id);
    const taken = auditEntry({
      at,
      action: 'session.evidence',
      outcome: 'success',
      actor: caller.actor,
      session: moment.session,
      data: {
        sums: createHash('sha256').update(prepared.sums).digest('hex'),
        files: prepared.count,
        events: moment.entries.length,
        recordings: prepared.recordings,
      },
    });
    await this.deps.audit.append(taken);
    const head = await this.headOver(taken);
    if (isProblem(head)) return head;
    const files = this.writer.files(prepared, { taken, ...head });
    return { name: `hallpass-evidence-${id}.tar.gz`, bytes: archives.pack(files, at) };
  }

  /** As for whoever reads them one by one. */
  private async tellReading(
    caller: Caller,
    session: Session,
    recorded: readonly RecordingInfo[],
  ): Promise<void> {
    for (const { id, chunks, droppedAt } of recorded) {
      if (droppedAt) continue;
      await this.deps.recordings.note(
        auditEntry({
          at: this.deps.clock.now(),
          action: 'recording.read',
          outcome: 'success',
          actor: caller.actor,
          session,
          data: { recording: id, form: 'evidence', chunks },
        }),
      );
    }
  }

  /** The session, its recordings and all its events as they were at one time, each event with its place. */
  private async moment(id: SessionId): Promise<Moment | Problem> {
    const { store, recordings, sessionLog } = this.deps;
    return this.patiently(async () => {
      const session = await store.find(id);
      if (!session) return undefined;
      const recorded = await recordings.ofSession(id);
      const entries = await sessionLog.entries(id, EVENTS_MAX);
      const hasPlaces = entries.length > 0 && entries.every(({ index }) => index !== null);
      return hasPlaces && isOfOneMoment(session, entries, recorded)
        ? { session, entries, recordings: recorded }
        : undefined;
    });
  }

  /** The checkpoint over everything up to this event. */
  private async headOver({
    id,
  }: AuditEntry): Promise<{ readonly head: SignedHead; readonly index: number } | Problem> {
    const { log, origin } = this.deps;
    return this.patiently(async () => {
      const place = await log.placeOf(id);
      const head = await log.head(origin);
      return place && head && place.index < head.size ? { head, index: place.index } : undefined;
    });
  }

  private async patiently<T>(look: () => Promise<T | undefined>): Promise<T | Problem> {
    const { patienceMs = PATIENCE_MS } = this.deps;
    const untilMs = performance.now() + patienceMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() >= untilMs) {
        return problem(
          'evidence-not-ready',
          'Events of the session wait for their place in the audit log, or the session changes all the time. Try again in a moment; where that does not help, see whether the log is signed (/readyz).',
          { retryAfterSeconds: 2 },
        );
      }
      await pause(LOOK_MS, NEVER);
    }
  }

  private async source(
    caller: Caller,
    moment: Moment & { readonly at: Date; readonly isReader: boolean },
  ): Promise<EvidenceSource> {
    const { store, reviews, recordings, origin } = this.deps;
    const { session } = moment;
    const screens = new Map<string, readonly ScreenLine[]>();
    for (const { id, droppedAt } of moment.isReader ? moment.recordings : []) {
      if (!droppedAt) screens.set(id, await recordings.screen(id, SCREEN_LINES_MAX));
    }
    return {
      ...moment,
      takenBy: personOf(caller),
      decisions: await store.decisions(session.id),
      owed: await reviews.find(session.id),
      screens,
      origin,
    };
  }
}

function isTooMuch(
  { events, bytes }: { readonly events: number; readonly bytes: number },
  recorded: readonly RecordingInfo[],
): boolean {
  const stored = recorded.reduce((sum, it) => sum + it.storedBytes, 0);
  const chunks = recorded.reduce((sum, it) => sum + it.chunks, 0);
  return (
    events >= EVENTS_MAX ||
    bytes > BODIES_BYTES_MAX ||
    recorded.length > RECORDINGS_MAX ||
    chunks > CHUNKS_MAX ||
    stored > RECORDED_BYTES_MAX
  );
}

function tooLarge(id: string): Problem {
  return problem(
    'evidence-too-large',
    `The session ${id} has more events, or longer recordings, than one archive holds. Take its recordings one by one, and the log with: hallpass audit export.`,
  );
}
