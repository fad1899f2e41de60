import type { RecordingView } from '../../contract/recording.schema.js';
import type { RecordingInfo } from '../ports/recording.store.js';
import { personView } from './person.view.js';

/** A recording without its events. */
export function recordingView(recording: RecordingInfo): RecordingView {
  const { end, endedAt, keepUntil } = recording;
  return {
    id: recording.id,
    session: recording.session,
    kind: recording.kind,
    state: stateOf(recording),
    way: recording.way,
    by: personView(recording.person),
    mode: recording.mode,
    input: recording.input,
    startedAt: recording.startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    exitCode: end?.exitCode ?? null,
    why: end?.why ?? null,
    chunks: recording.chunks,
    storedBytes: recording.storedBytes,
    gaps: recording.gaps,
    digest: Buffer.from(recording.digest).toString('hex'),
    keepUntil: keepUntil?.toISOString() ?? null,
    held: recording.isHeld,
  };
}

function stateOf({ endedAt, isAbandoned, droppedAt }: RecordingInfo): RecordingView['state'] {
  if (droppedAt) return 'dropped';
  if (!endedAt) return 'running';
  return isAbandoned ? 'abandoned' : 'ended';
}
