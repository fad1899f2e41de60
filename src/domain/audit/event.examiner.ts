import { TRANSITIONS } from '../session/session.machine.js';
import { canonicalJson, utf8Text } from './canonical.js';
import { DroppedPlaces, INSTANT, LATE_MS_MAX } from './dropped.places.js';

/**
 * The longest that a session is between two steps, but for one that is ending, whose container nobody may see for long: a
 * request and an approval lapse after thirty days at most, and a container lives for seven. A day more for brokers that
 * were away.
 */
export const STEP_MS_MAX = 31 * 86_400_000;

const STEPS = new Set(TRANSITIONS.map(({ from, event, to }) => stepKey(from, event, to)));
const BEFORE_ALL: Stand = { state: 'new', version: 0, gone: 0 };

/** A recording's end as an event tells it: what was stored must lead to this digest. */
export interface RecordingTold {
  readonly recording: string;
  /** Hexadecimal. */
  readonly digest: string;
  readonly chunks: number;
}

/**
 * Looks at the events of a log one after the other, as whoever trusts nobody reads them: each is canonical JSON, none was
 * inserted late, and those of each session are a path through its machine. Where bodies were dropped, only what may lie
 * among them may be missing of a path.
 */
export class EventExaminer {
  private newestMs = 0;
  /** Those that are over as well: none goes on. */
  private readonly sessions = new Map<string, Stand>();
  private readonly told: RecordingTold[] = [];
  private readonly places = new DroppedPlaces();
  /** Of what was read first since a body was dropped: what was dropped is no younger. Undefined where nothing was yet. */
  private goneUntilMs: number | undefined;

  constructor(private readonly lateMs = LATE_MS_MAX) {}

  /** Of the events that were taken, in their order. */
  get recordings(): readonly RecordingTold[] {
    return this.told;
  }

  /** The places that were skipped, and what the events that were taken say of them. */
  get dropped(): Pick<DroppedPlaces, 'count' | 'firstUntold'> {
    return this.places;
  }

  /** @returns what is wrong with the event at the next place; undefined where nothing is. */
  take(body: Buffer, place: number): string | undefined {
    const event = parsed(body);
    if (typeof event === 'string') return event;
    const wrong = this.timeOf(event);
    if (wrong !== undefined) return wrong;
    this.places.hears(event, place);
    return this.stepOf(event) ?? this.recordingOf(event);
  }

  /** The body of the event at the next place is gone. */
  skip(place: number): void {
    this.places.lacks(place);
    this.goneUntilMs = undefined;
  }

  private timeOf({ time }: Event): string | undefined {
    const atMs = typeof time === 'string' && INSTANT.test(time) ? Date.parse(time) : NaN;
    if (Number.isNaN(atMs)) return 'has no time';
    if (atMs < this.newestMs - this.lateMs) {
      return `is of ${String(time)}, and one before it of ${new Date(this.newestMs).toISOString()}: it was inserted late`;
    }
    this.newestMs = Math.max(this.newestMs, atMs);
    this.places.reads(atMs);
    this.goneUntilMs ??= this.newestMs;
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
    if (!this.goesOn(before ?? BEFORE_ALL, String(from), version)) {
      return before
        ? `is step ${version} of session ${session} from ${String(from)}, and the one before it was step ${before.version} to ${before.state}`
        : `is step ${version} of session ${session}, whose first steps are missing`;
    }
    this.sessions.set(session, { state: String(to), version, gone: this.places.count });
    return undefined;
  }

  /**
   * Whether this step may be the next of its session that can be read: nothing lies between, or what does was dropped since,
   * not too long ago, and leads from the one state to the other.
   */
  private goesOn(before: Stand, from: string, version: number): boolean {
    const between = version - before.version - 1;
    if (between === 0) return before.state === from;
    const gone = this.places.count - before.gone;
    if (!Number.isSafeInteger(between) || between < 0 || between > gone) return false;
    const isRecent = this.newestMs <= (this.goneUntilMs ?? -Infinity) + STEP_MS_MAX;
    return (isRecent || from === 'ending') && leads(before.state, from, between);
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

/** Where a session is after a step, and how many bodies were dropped before that. */
interface Stand {
  readonly state: string;
  readonly version: number;
  readonly gone: number;
}

/** Whether the machine leads from one state to another in so many steps. */
function leads(from: string, to: string, steps: number): boolean {
  let states = new Set<string>([from]);
  // Those that do not end can stay where they are: after a few steps the set is always the same.
  for (let step = 0; step < Math.min(steps, TRANSITIONS.length); step++) {
    states = new Set<string>(
      TRANSITIONS.filter((row) => states.has(row.from)).map((row) => row.to),
    );
  }
  return states.has(to);
}

function parsed(body: Buffer): Event | string {
  const text = utf8Text(body);
  if (text === undefined) return 'is no UTF-8';
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
