import type { Session } from '../domain/session/session.js';
import type { RecordingInfo } from './ports/recording.store.js';
import type { SessionEntry } from './ports/session.log.js';

/** Whether no step and no end of a recording came between the reads. */
export function isOfOneMoment(
  { version }: Session,
  entries: readonly SessionEntry[],
  recorded: readonly RecordingInfo[],
): boolean {
  const bodies = entries.map(({ body }) => (body.length === 0 ? undefined : bodyOf(body)));
  const isWhole = bodies.every((body) => body !== undefined);
  const newest = Math.max(0, ...bodies.map((body) => (body && isStep(body) ? body.version : 0)));
  const running = new Set<unknown>(
    recorded.filter(({ endedAt }) => endedAt === null).map(({ id }) => id),
  );
  const known = new Set<unknown>(recorded.map(({ id }) => id));
  const ofRecordings = bodies.filter((it) => it?.action.startsWith('recording.') === true);
  return (
    (!isWhole || newest === version) &&
    !ofRecordings.some((it) => it?.action === 'recording.started' && !known.has(it.recording)) &&
    !ofRecordings.some((it) => ENDS.has(it?.action) && running.has(it?.recording))
  );
}

const ENDS: ReadonlySet<unknown> = new Set(['recording.finished', 'recording.abandoned']);

interface OwnBody {
  readonly action: string;
  readonly version: number;
  readonly from: unknown;
  readonly recording: unknown;
}

const isStep = ({ action, from }: OwnBody) =>
  action.startsWith('session.') && typeof from === 'string';

/** What the broker itself has written. */
function bodyOf(body: Buffer): OwnBody {
  const { action, data = {} } = JSON.parse(body.toString()) as {
    action: string;
    data?: { version?: number; from?: unknown; recording?: unknown };
  };
  return { action, version: data.version ?? 0, from: data.from, recording: data.recording };
}
