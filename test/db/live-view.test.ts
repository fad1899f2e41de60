import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decompress } from '../../src/adapters/gzip/gzip.js';
import { SystemClock } from '../../src/adapters/jobs/system.clock.js';
import { Database } from '../../src/adapters/prisma/database.js';
import { PrismaPresence } from '../../src/adapters/prisma/prisma-presence.js';
import { PrismaRecordingStore } from '../../src/adapters/prisma/prisma-recording.store.js';
import { LiveStreams } from '../../src/app/live-streams.js';
import type { StreamRecording } from '../../src/app/ports/recorder.js';
import type { RecordStreams } from '../../src/app/record-streams.js';
import { RECORDING_LIMITS } from '../../src/app/record-streams.js';
import { StopSession } from '../../src/app/stop-session.js';
import { TailRecordings } from '../../src/app/tail-recordings.js';
import { auditEntry } from '../../src/domain/audit/entry.js';
import type { EventAction } from '../../src/domain/audit/event.kinds.js';
import type { Session, SessionId } from '../../src/domain/session/session.js';
import { MemoryActivity } from '../support/in-memory.streams.js';
import { tookMs } from '../support/own.time.js';
import { RecordingLab } from '../support/recording.lab.js';
import { ALEX, actorOf } from '../support/sessions.js';

let lab: RecordingLab;
let recorder: RecordStreams;
beforeAll(async () => {
  lab = await RecordingLab.start();
  recorder = lab.recorder();
});
afterAll(() => lab[Symbol.asyncDispose]());

const EXITED = { exitCode: 0, why: 'exited' };
const until = (holds: () => boolean) => vi.waitUntil(holds, { timeout: 8_000, interval: 5 });

/** Follows a session from now on. Of its lines only what is in them. */
function following(session: Session, store = lab.store) {
  const leaving = new AbortController();
  const seen: { recording: string; line: string }[] = [];
  const tail = new TailRecordings({ store, decompress });
  const over = (async () => {
    for await (const line of tail.follow(session.id, leaving.signal)) seen.push(line);
  })();
  return {
    seen,
    leave: async () => {
      leaving.abort();
      await over;
    },
  };
}

describe('following what is recorded', () => {
  test('gives what is shown within two seconds, on another replica too, from the beginning', async () => {
    const session = await lab.session();
    const over = await lab.open(recorder, { session });
    void over.output('stdout', Buffer.from('long over'));
    await over.finish(EXITED);
    const recording = await lab.open(recorder, { session });
    await recording.output('stdout', Buffer.from('early'));
    const { seen, leave } = following(session);
    await until(() => seen.length === 2);
    expect(JSON.parse(seen[0]?.line ?? '')).toMatchObject({ version: 3 });
    for (let n = 0; n < 3; n++) {
      void recording.output('stdout', Buffer.from(`${n}`));
      expect(await tookMs(() => until(() => seen.length === n + 3))).toBeLessThan(2_000);
    }
    await recording.finish(EXITED);
    await until(() => seen.length === 6);
    expect(new Set(seen.map((it) => it.recording))).toEqual(new Set([recording.id]));
    expect(seen.slice(1).map(({ line }) => (JSON.parse(line) as unknown[]).slice(1))).toEqual([
      ['o', 'early'],
      ['o', '0'],
      ['o', '1'],
      ['o', '2'],
      ['x', '0'],
    ]);
    await leave();
  });

  test('looks at what came since, however much there was before', async () => {
    let read = 0;
    /** Counts what is read of it. */
    class Counting extends PrismaRecordingStore {
      override async chunks(...args: Parameters<PrismaRecordingStore['chunks']>) {
        const chunks = await super.chunks(...args);
        read += chunks.length;
        return chunks;
      }
      override ofSession(): never {
        throw new Error('this adds up all chunks');
      }
    }
    const told = (heard: (id: SessionId) => void) => lab.news.subscribeRecordings(heard);
    const session = await lab.session();
    const limits = { ...RECORDING_LIMITS, chunkMs: 1 };
    const many = await lab.open(lab.recorder({ limits }), { session });
    const { seen, leave } = following(session, new Counting(lab.database, told));
    for (let n = 1; n <= 30; n++) {
      await many.output('stdout', Buffer.from(`${n}`));
      await until(() => seen.length === n + 1);
    }
    await many.finish(EXITED);
    await until(() => seen.length === 32);
    // One more that began and ended since is all there too.
    const short = await lab.open(recorder, { session });
    void short.output('stdout', Buffer.from('short'));
    await short.finish(EXITED);
    await until(() => seen.length === 35);
    await leave();
    expect(read).toBe(32);
  });
});

describe('somebody who watches by another replica', () => {
  /** Where nobody watches, nothing is stored before the end. */
  const PATIENT = { ...RECORDING_LIMITS, chunkMs: 3_600_000, watchedChunkMs: 5 };

  /** A stream of the session on this replica, as far as it is watched. */
  async function streaming(session: Session, recording: StreamRecording) {
    const { sessions: store, news, journal } = lab;
    const clock = new SystemClock();
    const live = new LiveStreams({
      store,
      news,
      presence: new PrismaPresence(lab.database, (heard) => news.subscribePresence(heard), journal),
      activity: new MemoryActivity(),
      stop: new StopSession({ store, clock, journal, replica: 'replica-1' }),
      clock,
      journal,
    });
    live.start();
    await live.add(live.of(session), {
      kind: 'terminal',
      finish: () => undefined,
      tell: () => undefined,
      watched: (isWatched) => recording.watched(isWatched),
      finished: Promise.resolve(),
    });
    return live;
  }

  test('is shown what was shown already, and the rest sooner than those who come later', async () => {
    await using elsewhere = {
      database: new Database({ url: lab.fresh.serviceUrl, poolSize: 2 }, () => undefined),
      [Symbol.asyncDispose]() {
        return this.database.close();
      },
    };
    const session = await lab.session();
    const recording = await lab.open(lab.recorder({ limits: PATIENT }), { session });
    const live = await streaming(session, recording);
    void recording.output('stdout', Buffer.from('before'));
    const other = new PrismaPresence(elsewhere.database, () => () => undefined, lab.journal);
    const entry = (action: EventAction) => () =>
      auditEntry({ at: new Date(), action, outcome: 'success', actor: actorOf(ALEX), data: {} });
    const leave = await other.join({
      session: session.id,
      person: ALEX,
      came: entry('session.watched'),
      left: entry('session.unwatched'),
    });
    const watching = following(session);
    const shown = () => watching.seen.slice(1).map(({ line }) => (JSON.parse(line) as string[])[2]);
    await until(() => shown().length === 1);
    void recording.output('stdout', Buffer.from('after'));
    await until(() => shown().length === 2);
    expect(shown()).toEqual(['before', 'after']);
    await leave();
    await watching.leave();
    await live.stop();
    await recording.finish(EXITED);
  });
});
