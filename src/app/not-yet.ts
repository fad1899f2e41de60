import { problem } from '../domain/problem.js';
import { EnterSession } from './enter-session.js';
import { Presence } from './ports/presence.js';
import { Recorder } from './ports/recorder.js';

const REFUSAL = problem('recording-unavailable', 'This Hallpass records nothing yet.');

/** In the place of parts that are not there yet: nobody is let in. */
export class NoEntering extends EnterSession {
  enter() {
    return Promise.resolve(REFUSAL);
  }
}

/** Nothing is recorded, so nothing is shown. */
export class NoRecorder extends Recorder {
  open() {
    return Promise.resolve(REFUSAL);
  }
}

/** Nobody watches. */
export class NobodyWatching extends Presence {
  watching() {
    return Promise.resolve([]);
  }

  join() {
    return Promise.resolve(() => Promise.resolve());
  }

  subscribe() {
    return () => undefined;
  }
}
