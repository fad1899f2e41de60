import { auditEntry } from '../domain/audit/entry.js';
import { permits } from '../domain/permission.js';
import type { Problem } from '../domain/problem.js';
import { isProblem, problem } from '../domain/problem.js';
import type { CastEvent } from '../domain/recording/asciicast.js';
import { CastReader, castLineV2, headerV2 } from '../domain/recording/asciicast.js';
import { firstDigest, nextDigest } from '../domain/recording/digest.chain.js';
import type { RecordingId } from '../domain/recording/recording.js';
import { packPart } from '../domain/recording/stored.form.js';
import type { Session, SessionId } from '../domain/session/session.js';
import type { Caller } from './caller.js';
import { callerCapacities, maySee } from './caller.js';
import { Clock } from './ports/clock.js';
import { Journal } from './ports/journal.js';
import type { HitCursor, RecordingInfo, ScreenHit, ScreenLine } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';
import { SessionStore } from './ports/session.store.js';
import { absent } from './read-session.js';

const CHUNKS_AT_ONCE = 8;
const SCREEN_LINES_MAX = 200_000;

/** The versions of asciicast that recordings are given in. */
export const CAST_VERSIONS = [3, 2] as const;
export type CastVersion = (typeof CAST_VERSIONS)[number];

/** A recording that somebody reads: lines with their ends, to be read once. */
export interface CastReading {
  readonly recording: RecordingInfo;
  readonly lines: AsyncIterable<string>;
}

/**
 * Reading recordings, by those who were in the session, who decided about it, and auditors. Each reading is written in
 * the audit log before anything is shown.
 */
export class ReadRecordings {
  constructor(
    private readonly deps: {
      readonly store: SessionStore;
      readonly recordings: RecordingStore;
      readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
      readonly clock: Clock;
      readonly journal: Journal;
    },
  ) {}

  /** What was recorded of a session, in the order in which it began; for all who may see the session. */
  async ofSession(caller: Caller, id: SessionId): Promise<RecordingInfo[] | Problem> {
    const session = await this.deps.store.find(id);
    if (!session || !maySee(caller, session)) return absent(id);
    return this.deps.recordings.ofSession(id);
  }

  /** One recording without its events; for all who may see its session. */
  async info(caller: Caller, id: RecordingId): Promise<RecordingInfo | Problem> {
    const found = await this.find(caller, id);
    return isProblem(found) ? found : found.recording;
  }

  /** The events, as far as they are stored. `not-found` also for who may see the session and not what was shown in it. */
  async cast(
    caller: Caller,
    id: RecordingId,
    version: CastVersion,
  ): Promise<CastReading | Problem> {
    const found = await this.open(caller, id, `asciicast v${version}`);
    if (isProblem(found)) return found;
    const { recording } = found;
    const lines = this.verified(recording);
    return { recording, lines: version === 3 ? lines : inV2(lines) };
  }

  /**
   * The header with its end of line, and the chunks as they are stored, each after its length: what the digest in the
   * audit log is of. Nothing is looked at here: this is for who holds it to the log themselves.
   */
  async stored(
    caller: Caller,
    id: RecordingId,
  ): Promise<{ recording: RecordingInfo; parts: AsyncIterable<Uint8Array> } | Problem> {
    const found = await this.open(caller, id, 'stored');
    return isProblem(found) ? found : { ...found, parts: this.parts(found.recording) };
  }

  /** What was on the screen, as text; empty until it was read, a while after the end. */
  async screen(
    caller: Caller,
    id: RecordingId,
  ): Promise<{ recording: RecordingInfo; lines: ScreenLine[] } | Problem> {
    const found = await this.open(caller, id, 'text');
    if (isProblem(found)) return found;
    const lines = await this.deps.recordings.screen(id, SCREEN_LINES_MAX);
    return { recording: found.recording, lines };
  }

  /**
   * What was on screens, newest recordings first: in one session for who may read its recordings, in all for auditors.
   * It says what was shown, not what was executed.
   */
  async search(
    caller: Caller,
    args: { text: string; session: SessionId | null; after?: HitCursor; limit: number },
  ): Promise<{ hits: ScreenHit[]; more: boolean } | Problem> {
    const { store, recordings, clock } = this.deps;
    const session = args.session === null ? undefined : await store.find(args.session);
    if (args.session !== null && (!session || !mayRead(caller, session)))
      return absent(args.session);
    if (!session && !permits(caller.roles, 'recording:read-all')) {
      return problem(
        'forbidden',
        'Searching in all recordings is for auditors. Name a session that you were in or decided about.',
      );
    }
    await recordings.note(
      auditEntry({
        at: clock.now(),
        action: 'recording.searched',
        outcome: 'success',
        actor: caller.actor,
        ...(session ? { session } : {}),
        data: { text: args.text },
      }),
    );
    const hits = await recordings.search({ ...args, limit: args.limit + 1 });
    return { hits: hits.slice(0, args.limit), more: hits.length > args.limit };
  }

  /** Keeps a recording beyond its time, or no longer. What is so already stays so, and is no event. */
  async hold(
    caller: Caller,
    id: RecordingId,
    { held, reason }: { held: boolean; reason?: string },
  ): Promise<RecordingInfo | Problem> {
    const found = await this.find(caller, id);
    if (isProblem(found)) return found;
    const { session, recording } = found;
    if (recording.droppedAt) {
      return problem(
        'not-found',
        `What the recording ${id} held was dropped at the end of its time.`,
      );
    }
    const { recordings, clock } = this.deps;
    await recordings.hold(
      id,
      held,
      auditEntry({
        at: clock.now(),
        action: held ? 'recording.held' : 'recording.released',
        outcome: 'success',
        actor: caller.actor,
        session,
        data: { recording: id, reason },
      }),
    );
    return this.info(caller, id);
  }

  private async find(
    caller: Caller,
    id: RecordingId,
  ): Promise<{ session: Session; recording: RecordingInfo } | Problem> {
    const { store, recordings } = this.deps;
    const recording = await recordings.find(id);
    const session = recording && (await store.find(recording.session));
    return session && maySee(caller, session) ? { session, recording } : noRecording(id);
  }

  /** The recording, once the reading of it is written down. */
  private async open(
    caller: Caller,
    id: RecordingId,
    form: string,
  ): Promise<{ recording: RecordingInfo } | Problem> {
    const found = await this.find(caller, id);
    if (isProblem(found)) return found;
    const { session, recording } = found;
    if (!mayRead(caller, session)) {
      return problem(
        'forbidden',
        'What was shown is for who was in the session, who decided about it, and auditors.',
      );
    }
    if (recording.droppedAt) {
      return problem(
        'not-found',
        `What the recording ${id} held was dropped at the end of its time. Its digests are in the audit log.`,
      );
    }
    await this.deps.recordings.note(
      auditEntry({
        at: this.deps.clock.now(),
        action: 'recording.read',
        outcome: 'success',
        actor: caller.actor,
        session,
        data: { recording: id, form, chunks: recording.chunks },
      }),
    );
    return { recording };
  }

  private async *parts({ id, header, chunks: count }: RecordingInfo): AsyncGenerator<Uint8Array> {
    yield packPart(Buffer.from(`${header}\n`));
    let after = 0;
    while (after < count) {
      const chunks = await this.deps.recordings.chunks(id, after, CHUNKS_AT_ONCE);
      if (chunks.length === 0) return;
      for (const { seq, bytes } of chunks) {
        yield packPart(bytes);
        after = seq;
      }
    }
  }

  /**
   * The lines, each chunk held to its digest before any of it is given, and the last one to the audit log. A broken chain
   * ends it, with a comment.
   */
  private async *verified(recording: RecordingInfo): AsyncGenerator<string> {
    const { id, header, chunks: count } = recording;
    const { recordings, decompress, journal } = this.deps;
    yield `${header}\n`;
    let digest = firstDigest(header);
    let after = 0;
    while (after < count) {
      const chunks = await recordings.chunks(id, after, CHUNKS_AT_ONCE);
      if (chunks.length === 0) break;
      for (const chunk of chunks) {
        digest = nextDigest(digest, chunk.bytes);
        if (chunk.seq !== after + 1 || !digest.equals(chunk.digest)) {
          journal.error(
            { recording: id, chunk: chunk.seq },
            'a recording is not what its digests say',
          );
          yield `# Broken: chunk ${after + 1} is not what its digest says. Nothing from there on is shown.\n`;
          return;
        }
        yield (await decompress(chunk.bytes)).toString('utf8');
        after = chunk.seq;
      }
    }
    const sealed = recording.endedAt ? await recordings.sealed(id) : { chunks: after, digest };
    if (sealed?.chunks === after && digest.equals(sealed.digest)) return;
    journal.error({ recording: id, chunk: after }, 'a recording is not what the audit log says');
    yield `# Broken: it ends with chunk ${after}, and by the audit log ${sealed ? `with chunk ${sealed.chunks}` : 'it has no end'}.\n`;
  }
}

/** Whether somebody may see what was shown: its requester, who has a say in it, and auditors. */
export function mayRead(caller: Caller, session: Session): boolean {
  const capacities = callerCapacities(caller, session);
  return (
    permits(caller.roles, 'recording:read-all') ||
    capacities.includes('requester') ||
    capacities.includes('approver')
  );
}

function noRecording(id: string): Problem {
  return problem('not-found', `There is no recording ${id} that you may see.`);
}

async function* inV2(parts: AsyncIterable<string>): AsyncGenerator<string> {
  const reader = new CastReader();
  let isFirst = true;
  for await (const part of parts) {
    if (isFirst) {
      isFirst = false;
      yield `${headerV2(part)}\n`;
      continue;
    }
    let lines = '';
    for (const line of part.split('\n')) {
      const event = line.startsWith('# ') ? markOf(line, reader) : reader.read(line);
      const converted = event && castLineV2(event);
      if (converted !== undefined) lines += `${converted}\n`;
    }
    if (lines !== '') yield lines;
  }
}

/** Version 2 has no comments. */
function markOf(line: string, { lastMs: atMs }: CastReader): CastEvent {
  return { atMs, code: 'm', data: line.slice(2) };
}
