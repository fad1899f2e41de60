import { TRANSITIONS } from '../session/session.machine.js';
import { canonicalJson } from './canonical.js';
import type { PlaceRange } from './dropped.places.js';
import { toldDropped } from './dropped.places.js';

/** How much earlier than the newest before it an event may be: transactions take time, and clocks differ. */
export const LATE_MS_MAX = 120_000;

const STEPS = new Set(TRANSITIONS.map(({ from, event, to }) => stepKey(from, event, to)));
const FINAL = new Set(['denied', 'ended']);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A recording's end as an event tells it: what was stored must lead to this digest. */
export interface RecordingTold {
  readonly recording: string;
  /** Hexadecimal. */
  readonly digest: string;
  readonly chunks: number;
}

/**
 * Looks at the events of a log one after the other, as whoever trusts nobody reads them: each is canonical JSON, none was
 * inserted late, and those of each session are a path through its machine.
 */
export class EventExaminer {
  private newestMs = 0;
  private readonly sessions = new Map<
    string,
    { readonly state: string; readonly version: number }
  >();
  private readonly told: RecordingTold[] = [];
  private readonly dropped: PlaceRange[] = [];
  private hasGaps = false;

  constructor(private readonly lateMs = LATE_MS_MAX) {}

  /** Of the events that were taken, in their order. */
  get recordings(): readonly RecordingTold[] {
    return this.told;
  }

  /** The places whose bodies were dropped, as the events that were taken tell it. */
  get toldDropped(): readonly PlaceRange[] {
    return this.dropped;
  }

  /** @returns what is wrong with the next event; undefined where nothing is. */
  take(body: Buffer): string | undefined {
    const event = parsed(body);
    if (typeof event === 'string') return event;
    if (event.action === 'audit.dropped') this.dropped.push(...toldDropped(event));
    return this.timeOf(event) ?? this.stepOf(event) ?? this.recordingOf(event);
  }

  /** The body of the next event is gone: of its session nothing more can be told from what comes. */
  skip(): void {
    this.sessions.clear();
    this.hasGaps = true;
  }

  private timeOf({ time }: Event): string | undefined {
    const atMs = typeof time === 'string' && INSTANT.test(time) ? Date.parse(time) : NaN;
    if (Number.isNaN(atMs)) return 'has no time';
    if (atMs < this.newestMs - this.lateMs) {
      return `is of ${String(time)}, and one before it of ${new Date(this.newestMs).toISOString()}: it was inserted late`;
    }
    this.newestMs = Math.max(this.newestMs, atMs);
    return undefined;
  }

  /** Steps of sessions have a version; other events that are about a session have none. */
  private stepOf({ action, session, data }: Event): string | undefined {
    const { version, from, to } = isObject(data) ? data : {};
    if (typeof session !== 'string' || typeof version !== 'number') return undefined;
    // Of a version without being a step to it: an extension that was refused.
    if (from === undefined && to === undefined) return undefined;
    const event = String(action).replace(/^session\./, '');
    if (!STEPS.has(stepKey(String(from), event, String(to)))) {
      return `is no step of a session: ${String(from)} -${event}-> ${String(to)}`;
    }
    const before = this.sessions.get(session);
    const isNext = before
      ? before.state === from && before.version + 1 === version
      : this.hasGaps || (from === 'new' && version === 1);
    if (!isNext) {
      return before
        ? `is step ${version} of session ${session} from ${String(from)}, and the one before it was step ${before.version} to ${before.state}`
        : `is step ${version} of session ${session}, whose first steps are missing`;
    }
    if (FINAL.has(String(to))) this.sessions.delete(session);
    else this.sessions.set(session, { state: String(to), version });
    return undefined;
  }

  private recordingOf({ action, data }: Event): undefined {
    if (action !== 'recording.finished' && action !== 'recording.abandoned') return undefined;
    const { recording, digest, chunks } = isObject(data) ? data : {};
    if (typeof recording !== 'string' || typeof digest !== 'string') return undefined;
    this.told.push({ recording, digest, chunks: Number(chunks) });
    return undefined;
  }
}

interface Event {
  readonly time?: unknown;
  readonly action?: unknown;
  readonly session?: unknown;
  readonly data?: unknown;
}

function parsed(body: Buffer): Event | string {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return 'is no JSON object';
    // The engine's own form is the canonical one where members stand in order, and much the faster.
    const isCanonical =
      (JSON.stringify(value) === text && isInOrder(value)) || canonicalJson(value) === text;
    return isCanonical ? value : 'is not in canonical form (RFC 8785)';
  } catch {
    return 'is no JSON';
  }
}

function isInOrder(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isInOrder);
  if (!isObject(value)) return true;
  let before = '';
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (key < before || (typeof member === 'object' && !isInOrder(member))) return false;
    before = key;
  }
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function stepKey(from: string, event: string, to: string): string {
  return `${from} ${event} ${to}`;
}
