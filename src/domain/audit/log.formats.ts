import { CSV_HEADER, csvLine } from './csv.format.js';
import { ecsLine } from './ecs.format.js';
import type { LoggedEvent } from './logged.event.js';
import { ocsfLine } from './ocsf.format.js';

/** A form that events are told in to other tools, an event a line. */
export interface LogFormat {
  /** The name of a file of it ends with this. */
  readonly suffix: string;
  readonly mediaType: string;
  readonly header?: string;
  readonly end: '\n' | '\r\n';
  readonly line: (event: LoggedEvent) => string;
}

const JSON_LINES = { mediaType: 'application/x-ndjson', end: '\n' } as const;

export const LOG_FORMATS = {
  /** The very bytes that are in the log: the hash of each line leads to the signed root. */
  jsonl: { ...JSON_LINES, suffix: 'jsonl', line: ({ text }) => text },
  ocsf: { ...JSON_LINES, suffix: 'ocsf.jsonl', line: ocsfLine },
  ecs: { ...JSON_LINES, suffix: 'ecs.jsonl', line: ecsLine },
  csv: { suffix: 'csv', mediaType: 'text/csv', header: CSV_HEADER, end: '\r\n', line: csvLine },
} as const satisfies Record<string, LogFormat>;

export type LogFormatName = keyof typeof LOG_FORMATS;

export function isLogFormat(name: string): name is LogFormatName {
  return Object.hasOwn(LOG_FORMATS, name);
}

/** These events as a file has them, its header included. */
export function fileOf(format: LogFormat, events: readonly LoggedEvent[]): string {
  const lines = events.map(format.line);
  return [...(format.header === undefined ? [] : [format.header]), ...lines]
    .map((line) => `${line}${format.end}`)
    .join('');
}
