import type { RecordingId } from '../domain/recording/recording.js';
import type { SessionId } from '../domain/session/session.js';
import { pause } from './pause.js';
import type { LiveLine } from './ports/live.view.js';
import { LiveView } from './ports/live.view.js';
import type { RecordingHead } from './ports/recording.store.js';
import { RecordingStore } from './ports/recording.store.js';

/** News may be lost: it is looked at least this often. */
const LOOK_MS = 1_000;
const CHUNKS_AT_ONCE = 20;

/** What is being recorded, as its chunks are stored: about a quarter of a second after it was shown, on any replica. */
export class TailRecordings extends LiveView {
  constructor(
    private readonly deps: {
      readonly store: RecordingStore;
      readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
    },
  ) {
    super();
  }

  async *follow(session: SessionId, signal: AbortSignal): AsyncGenerator<LiveLine> {
    const { store } = this.deps;
    let wake = new AbortController();
    // What is heard while it is read wakes the next round.
    const unsubscribe = store.subscribe((heard) => {
      if (heard === session) wake.abort();
    });
    /** The last chunk that was given of each that goes on. */
    const given = new Map<RecordingId, number>();
    const over = new Set<RecordingId>();
    try {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        wake = new AbortController();
        for (const head of await store.heads(session, [...over])) {
          const { id, hasEnded } = head;
          // Those that were over before it began are not shown.
          if (!(isFirst && hasEnded)) yield* this.more(head, given, signal);
          if (hasEnded) {
            over.add(id);
            given.delete(id);
          }
        }
        await pause(LOOK_MS, AbortSignal.any([wake.signal, signal]));
      }
    } finally {
      unsubscribe();
    }
  }

  /** All that came since, and no look at what was there before. */
  private async *more(
    { id, header }: RecordingHead,
    given: Map<RecordingId, number>,
    signal: AbortSignal,
  ): AsyncGenerator<LiveLine> {
    const { store, decompress } = this.deps;
    for (;;) {
      const chunks = await store.chunks(id, given.get(id) ?? 0, CHUNKS_AT_ONCE);
      for (const chunk of chunks) {
        if (!given.has(id)) yield { recording: id, line: header };
        const text = (await decompress(chunk.bytes)).toString('utf8');
        for (const line of text.split('\n')) {
          if (signal.aborted) return;
          if (line !== '') yield { recording: id, line };
        }
        given.set(id, chunk.seq);
      }
      if (chunks.length < CHUNKS_AT_ONCE || signal.aborted) return;
    }
  }
}
