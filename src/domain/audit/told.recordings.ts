import { INSTANT, LATE_MS_MAX } from './dropped.places.js';
import { parseRecordingId } from '../recording/recording.js';

const ABOUT = Buffer.from('"action":"recording.');

/** A recording that has ended, as the event of its end tells it. */
export interface SealedRecording {
  readonly recording: string;
  /** Hexadecimal: where the chain over what was stored ends. */
  readonly digest: string;
  readonly chunks: number;
}

/**
 * What the events of a log tell of recordings: which have ended and with which digest, and which were dropped. Told of the
 * events in their order.
 */
export class ToldRecordings {
  readonly sealed: SealedRecording[] = [];
  /** With what their ends told, each as one word. */
  private readonly ended = new Set<string>();
  private readonly dropped = new Set<string>();

  /** Whether an event that may be believed says that it was dropped: after its end, of its digest, when its time was over. */
  isDropped({ recording, digest }: SealedRecording): boolean {
    return this.dropped.has(`${recording} ${digest}`);
  }

  take(body: Buffer): void {
    if (!body.includes(ABOUT)) return;
    const { action, data, time } = membersOf(parsed(body));
    const { recording, digest, chunks, keepUntil } = membersOf(data);
    // An id is a name of files: what is none leads nowhere.
    if (typeof recording !== 'string' || parseRecordingId(recording) === undefined) return;
    if (typeof digest !== 'string' || !Number.isSafeInteger(chunks)) return;
    const word = `${recording} ${digest}`;
    // But for the clocks: it is the database's that says when its time is over.
    const isOver = (): boolean => instantOf(keepUntil) <= instantOf(time) + LATE_MS_MAX;
    if (action === 'recording.dropped' && this.ended.has(word) && isOver()) this.dropped.add(word);
    if (action !== 'recording.finished' && action !== 'recording.abandoned') return;
    this.ended.add(word);
    this.sealed.push({ recording, digest, chunks: Number(chunks) });
  }
}

function instantOf(value: unknown): number {
  return typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : NaN;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
