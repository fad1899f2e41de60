import type { NewRecording } from './recording.js';

/**
 * The events of asciicast v3 that are written here: output, input, resize, marker, exit
 * (https://docs.asciinema.org/manual/asciicast/v3/).
 */
export const CAST_CODES = ['o', 'i', 'r', 'm', 'x'] as const;
export type CastCode = (typeof CAST_CODES)[number];

/** One event. `atMs`: since the recording began, a whole number. */
export interface CastEvent {
  readonly atMs: number;
  readonly code: CastCode;
  readonly data: string;
}

/**
 * The first line of a recording, without its end of line. Nothing in it is secret: no environment, no token. Where there
 * was no terminal its type is `dumb`: lines end with a line feed alone then.
 */
export function castHeader(recording: NewRecording, startedAt: Date): string {
  const { columns, rows, tty, command, session, kind, way } = recording;
  return JSON.stringify({
    version: 3,
    term: { cols: columns, rows, type: tty ? 'xterm-256color' : 'dumb' },
    timestamp: Math.floor(startedAt.getTime() / 1000),
    command: command.join(' ').slice(0, 1000),
    title: `Hallpass session ${session.id}: ${kind} by ${way}`,
  });
}

/**
 * The line of an event, without its end of line. v3 has intervals: the time since the event before, which is a
 * difference of whole milliseconds, so that no rounding adds up.
 */
export function castLine({ atMs, code, data }: CastEvent, beforeMs: number): string {
  return `[${seconds(atMs - beforeMs)},"${code}",${JSON.stringify(data)}]`;
}

/** The data of a resize, as `80x24`. */
export function sizeText({ columns, rows }: { columns: number; rows: number }): string {
  return `${columns}x${rows}`;
}

/** Reads the events of v3 lines, in order. Comments and lines that are no event are passed over. */
export class CastReader {
  private atMs = 0;

  /** When the last event was. */
  get lastMs(): number {
    return this.atMs;
  }

  /** @param line one line, the header excepted. */
  read(line: string): CastEvent | undefined {
    if (!line.startsWith('[')) return undefined;
    const event: unknown = parsed(line);
    if (!Array.isArray(event) || event.length !== 3) return undefined;
    const [interval, code, data] = event as unknown[];
    if (typeof interval !== 'number' || typeof data !== 'string') return undefined;
    this.atMs += Math.round(interval * 1000);
    // Of an event that nobody knows the time counts all the same.
    const known = CAST_CODES.find((it) => it === code);
    return known && { atMs: this.atMs, code: known, data };
  }
}

/** A v3 header as v2 has it (https://docs.asciinema.org/manual/asciicast/v2/). */
export function headerV2(headerV3: string): string {
  const header = parsed(headerV3) as {
    term?: { cols?: number; rows?: number; type?: string };
    timestamp?: number;
    command?: string;
    title?: string;
  };
  return JSON.stringify({
    version: 2,
    width: header.term?.cols ?? 80,
    height: header.term?.rows ?? 24,
    timestamp: header.timestamp,
    command: header.command,
    title: header.title,
    env: { TERM: header.term?.type ?? 'xterm-256color' },
  });
}

/** The line of an event in v2: absolute times, and no exit, which v2 does not know. */
export function castLineV2({ atMs, code, data }: CastEvent): string | undefined {
  return code === 'x' ? undefined : `[${seconds(atMs)},"${code}",${JSON.stringify(data)}]`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
