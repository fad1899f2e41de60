import { Presence } from '../../app/ports/presence.js';
import type { Watching } from '../../app/ports/presence.js';
import { Recorder } from '../../app/ports/recorder.js';
import type { StreamRecording } from '../../app/ports/recorder.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

/** Where nothing can be recorded nobody is let in. */
export class AbsentRecorder extends Recorder {
  open(): Promise<StreamRecording | Problem> {
    return Promise.resolve(
      problem('recording-unavailable', 'This broker has nowhere to record what happens.'),
    );
  }
}

/** Nobody ever watches. */
export class AbsentPresence extends Presence {
  watching(): Promise<readonly Watching[]> {
    return Promise.resolve([]);
  }

  join(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }

  subscribe(): () => void {
    return () => undefined;
  }
}
