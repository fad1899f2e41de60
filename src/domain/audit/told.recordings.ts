import { parseRecordingId } from '../recording/recording.js';

const ABOUT = Buffer.from('"action":"recording.');

/** A recording that has ended, as the event of its end tells it. */
export interface SealedRecording {
  readonly recording: string;
  /** Hexadecimal: where the chain over what was stored ends. */
  readonly digest: string;
  readonly chunks: number;
}

/** What the events of a log tell of recordings: which have ended and with which digest, and which were dropped. */
export class ToldRecordings {
  readonly sealed: SealedRecording[] = [];
  /** Their ids. */
  readonly dropped = new Set<string>();

  take(body: Buffer): void {
    if (!body.includes(ABOUT)) return;
    const { action, data } = membersOf(parsed(body));
    const { recording, digest, chunks } = membersOf(data);
    // An id is a name of files: what is none leads nowhere.
    if (typeof recording !== 'string' || parseRecordingId(recording) === undefined) return;
    if (action === 'recording.dropped') this.dropped.add(recording);
    if (action !== 'recording.finished' && action !== 'recording.abandoned') return;
    if (typeof digest !== 'string' || !Number.isSafeInteger(chunks)) return;
    this.sealed.push({ recording, digest, chunks: Number(chunks) });
  }
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
