import type { RecordingId } from '../domain/recording/recording.js';
import type { SessionId } from '../domain/session/session.js';
import { pause } from './pause.js';
import type { LiveLine } from './ports/live.view.js';
import { LiveView } from './ports/live.view.js';
import type { RecordingInfo } from './ports/recording.store.js';
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
    /** The last chunk that was given of each; -1 for those that were over before it began. */
    const given = new Map<RecordingId, number>();
    try {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        wake = new AbortController();
        for (const recording of await store.ofSession(session)) {
          const { id, endedAt } = recording;
          if (!given.has(id)) given.set(id, isFirst && endedAt !== null ? -1 : 0);
          if (given.get(id) !== -1) yield* this.more(recording, given, signal);
        }
        await pause(LOOK_MS, AbortSignal.any([wake.signal, signal]));
      }
    } finally {
      unsubscribe();
    }
  }

  private async *more(
    { id, header, chunks: stored }: RecordingInfo,
    given: Map<RecordingId, number>,
    signal: AbortSignal,
  ): AsyncGenerator<LiveLine> {
    const { store, decompress } = this.deps;
    let after = given.get(id) ?? 0;
    if (after === 0 && stored > 0) yield { recording: id, line: header };
    while (after < stored && !signal.aborted) {
      for (const chunk of await store.chunks(id, after, CHUNKS_AT_ONCE)) {
        const text = (await decompress(chunk.bytes)).toString('utf8');
        for (const line of text.split('\n')) {
          if (signal.aborted) return;
          if (line !== '') yield { recording: id, line };
        }
        after = chunk.seq;
        given.set(id, after);
      }
    }
  }
}
