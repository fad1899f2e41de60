import type { OpenStream } from '../../app/enter-session.js';
import { EnterSession } from '../../app/enter-session.js';
import type { LiveLine } from '../../app/ports/live.view.js';
import { LiveView } from '../../app/ports/live.view.js';
import type { SessionId } from '../../domain/session/session.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';

/** Where nothing can be entered. */
export class AbsentEntry extends EnterSession {
  enter(): Promise<OpenStream | Problem> {
    return Promise.resolve(problem('container-not-ready', 'This broker cannot enter containers.'));
  }
}

/** Where nothing is shown. */
export class AbsentLiveView extends LiveView {
  // eslint-disable-next-line require-yield -- nothing is ever shown
  async *follow(_session: SessionId, signal: AbortSignal): AsyncGenerator<LiveLine> {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
