import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { ScreenLine } from '../../app/ports/recording.store.js';
import type { Screen } from '../../app/ports/screen.reader.js';
import { ScreenReader } from '../../app/ports/screen.reader.js';

/** One chunk's worth takes some hundred milliseconds. */
const ANSWER_MS_MAX = 15_000;
const MEMORY_MB_MAX = 256;

const Answer = z.union([
  z.object({ lines: z.array(z.tuple([z.number(), z.string()])) }),
  z.object({ error: z.string() }),
]);

/** Screens of `@xterm/headless` in a thread of its own, which is ended where it takes too long, or too much memory. */
export class XtermScreens extends ScreenReader {
  private worker: Worker | undefined;

  constructor(private readonly answerMsMax = ANSWER_MS_MAX) {
    super();
  }

  async open(size: Parameters<ScreenReader['open']>[0]): Promise<Screen> {
    const worker = this.worker ?? this.start();
    const ask = (request: object) => this.ask(worker, request);
    await ask({ kind: 'open', ...size });
    return {
      feed: (events) =>
        ask({ kind: 'feed', events: events.map(({ atMs, code, data }) => [atMs, code, data]) }),
      end: () => ask({ kind: 'end' }),
    };
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
  }

  private start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './xterm.worker.ts' : './xterm.worker.js';
    const worker = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
      // It is handed no secrets.
      env: {},
    });
    worker.unref();
    const gone = () => {
      if (this.worker === worker) this.worker = undefined;
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    this.worker = worker;
    return worker;
  }

  private async ask(worker: Worker, request: object): Promise<readonly ScreenLine[]> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const broken = () => reject(new Error('the thread that reads screens ended'));
    const timer = setTimeout(() => {
      reject(new Error(`the screen was not read within ${this.answerMsMax} ms`));
      void worker.terminate();
    }, this.answerMsMax);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', broken);
    try {
      worker.postMessage(request);
      const answer = Answer.parse(await promise);
      if ('error' in answer) throw new Error(answer.error);
      return answer.lines.map(([atMs, text]) => ({ atMs, text }));
    } finally {
      clearTimeout(timer);
      worker.off('message', resolve);
      worker.off('error', reject);
      worker.off('exit', broken);
    }
  }
}
