import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlayedProcess } from '../../test/support/played.streams.js';
import { MemoryRecording } from '../../test/support/in-memory.streams.js';
import { PROFILE, ROBIN, newSession } from '../../test/support/sessions.js';
import type { Entry, StreamEnd } from './enter-session.js';
import { problem } from '../domain/problem.js';
import { Gate } from './gate.js';
import type { ProcessEnd } from './ports/cluster.streams.js';
import type { StreamParts } from './governed-stream.js';
import { GovernedStream } from './governed-stream.js';
import { sessionOverBy } from './stream.sentences.js';

const session = newSession();
const { id, pin } = session;
const ENTRY: Entry = {
  session: id,
  kind: 'terminal',
  way: 'cli',
  command: null,
  tty: true,
  stdin: true,
  size: { columns: 80, rows: 24 },
};
const PLACE = {
  cluster: 'sandbox',
  namespace: 'staging',
  pin: pin ?? { podName: 'web', podUid: 'u', nodeName: 'n' },
  containerName: 'hallpass-1',
};

function recordingOf(): MemoryRecording {
  return new MemoryRecording({
    session,
    kind: 'terminal',
    way: 'cli',
    person: ROBIN,
    mode: 'strict',
    command: [PROFILE.shell],
    tty: true,
    columns: 80,
    rows: 24,
    input: true,
    keepSeconds: 60,
    openMax: 5,
  });
}

function streamOf(recording: MemoryRecording, gate: Gate, more: Partial<StreamParts> = {}) {
  return new GovernedStream({
    entry: ENTRY,
    recording,
    recordsInput: true,
    refusesInput: undefined,
    isStrict: true,
    tap: undefined,
    gate,
    passed: () => undefined,
    firstShown: () => undefined,
    again: () => Promise.reject(new Error('not early')),
    explain: (end): Promise<StreamEnd> =>
      Promise.resolve(end.kind === 'exited' ? end : { kind: 'lost', detail: end.detail }),
    recordingFailed: () => undefined,
    over: () => undefined,
    ...more,
  });
}

/** One whose process has exited with 7, and whose recording is not stored yet. */
async function exited(isStrict: boolean) {
  const recording = recordingOf();
  recording.isSlowToStore = true;
  const failures: string[] = [];
  const stream = streamOf(recording, new Gate(true), {
    isStrict,
    recordingFailed: (why) => {
      failures.push(why);
      stream.finish(sessionOverBy('recording-failed', why));
    },
  });
  const process = new PlayedProcess(PLACE);
  stream.begin(process);
  process.say({ stream: 'stdout', data: Buffer.from('short') });
  process.exit(7);
  let shown = '';
  for await (const { data } of stream.output) shown += Buffer.from(data).toString();
  expect(shown).toBe('short');
  expect(stream.isOver).toBe(true);
  let told: StreamEnd | undefined;
  void stream.ended.then((end) => (told = end));
  await new Promise((resolve) => setImmediate(resolve));
  return { recording, stream, failures, told: () => told };
}

const chunk = fc.record({
  stream: fc.constantFrom('stdout' as const, 'stderr' as const),
  data: fc.uint8Array({ minLength: 1, maxLength: 100 }).map((it) => Buffer.from(it)),
});
const act = fc.oneof(
  fc.record({ say: chunk }),
  fc.record({ gate: fc.boolean() }),
  fc.record({ type: fc.uint8Array({ minLength: 1, maxLength: 20 }) }),
);

describe('a governed stream', () => {
  it('shows what was written, whole and in order, each part recorded before, none while it is held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), fc.scheduler(), async (acts, slow) => {
        const gate = new Gate(true);
        const recording = recordingOf();
        let stored = 0;
        const output = recording.output.bind(recording);
        recording.output = (of, data) => {
          expect(gate.isOpen).toBe(true);
          void output(of, data);
          return slow.schedule(Promise.resolve()).then(() => {
            stored++;
            return undefined;
          });
        };
        const process = new PlayedProcess(PLACE);
        const stream = streamOf(recording, gate);
        stream.begin(process);
        const shown: Uint8Array[] = [];
        const reading = (async () => {
          for await (const { data } of stream.output) {
            shown.push(data);
            expect(stored).toBeGreaterThanOrEqual(shown.length);
            await slow.schedule(Promise.resolve());
          }
        })();
        const typing: Promise<boolean>[] = [];
        const playing = slow.scheduleSequence(
          acts.map((it) => () => {
            if ('say' in it) process.say(it.say);
            else if ('gate' in it) gate.set(it.gate);
            else typing.push(stream.write(it.type));
            return Promise.resolve();
          }),
        );
        void playing.task.then(() => {
          gate.set(true);
          void Promise.all(typing).then(() => process.exit(0));
        });
        await slow.waitFor(reading);
        const said = acts.flatMap((it) => ('say' in it ? [it.say] : []));
        const typed = acts.flatMap((it) => ('type' in it ? [Buffer.from(it.type)] : []));
        expect(Buffer.concat(shown)).toEqual(Buffer.concat(said.map(({ data }) => data)));
        expect(recording.chunks).toEqual(said);
        expect(recording.typed).toEqual(typed);
        expect(process.taken).toBe(typed.map((it) => it.toString()).join(''));
        expect(await stream.ended).toEqual({ kind: 'exited', code: 0 });
      }),
      { numRuns: 100 },
    );
  });

  it('of a copy waits where there is no room for the names of its files', async () => {
    const recording = recordingOf();
    const { promise: room, resolve } = Promise.withResolvers<undefined>();
    recording.held = room;
    const read: string[] = [];
    const tap = {
      broken: undefined,
      hasBegun: true,
      take: (data: Uint8Array) => {
        read.push(Buffer.from(data).toString());
        return Promise.resolve();
      },
      end: () => Promise.resolve(),
    };
    const entry: Entry = { ...ENTRY, kind: 'copy', copy: 'upload', tty: false };
    const process = new PlayedProcess(PLACE);
    const stream = streamOf(recording, new Gate(true), { entry, tap, recordsInput: false });
    stream.begin(process);
    const writing = stream.write(Buffer.from('many small files'));
    await expect.poll(() => read.length).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(process.taken).toBe('');
    resolve(undefined);
    expect(await writing).toBe(true);
    expect(process.taken).toBe('many small files');
    stream.leave();
  });

  it('that ends shows nothing more, whatever it waits for', async () => {
    for (const wait of ['gate', 'recording', 'process'] as const) {
      const gate = new Gate(wait !== 'gate');
      const recording = recordingOf();
      if (wait === 'recording') recording.held = new Promise(() => undefined);
      const over = Promise.withResolvers<undefined>();
      const process = new PlayedProcess(PLACE);
      const stream = streamOf(recording, gate, { over: () => over.resolve(undefined) });
      stream.begin(process);
      if (wait !== 'process') process.say({ stream: 'stdout', data: Buffer.from('late') });
      const next = stream.output[Symbol.asyncIterator]().next();
      const writing = wait === 'process' ? undefined : stream.write(Buffer.from('late'));
      await new Promise((resolve) => setImmediate(resolve));
      stream.finish({ kind: 'shutdown' });
      expect(await next).toEqual({ done: true, value: undefined });
      expect((await writing) ?? false).toBe(false);
      expect(process.taken).toBe('');
      await over.promise;
      expect(recording.end).toEqual({ exitCode: null, why: 'this replica was stopped' });
    }
  });

  it('that its reader leaves is over', async () => {
    const process = new PlayedProcess(PLACE);
    const stream = streamOf(recordingOf(), new Gate(true));
    stream.begin(process);
    process.say({ stream: 'stdout', data: Buffer.from('one') });
    for await (const { data } of stream.output) {
      expect(Buffer.from(data).toString()).toBe('one');
      break;
    }
    expect(await stream.ended).toEqual({ kind: 'left' });
    expect(process.isClosed).toBe(true);
  });

  it('that is strict tells an exit when all before it is stored, and not before', async () => {
    const { recording, stream, told } = await exited(true);
    expect(told()).toBeUndefined();
    recording.store();
    expect(await stream.ended).toEqual({ kind: 'exited', code: 7 });
  });

  it('that is strict ends its session where its end cannot be stored, and tells that instead of the exit', async () => {
    const { recording, stream, failures } = await exited(true);
    recording.fail('away');
    recording.store();
    expect(await stream.ended).toMatchObject({ kind: 'session-over', reason: 'recording-failed' });
    expect(failures).toEqual(['away']);
  });

  it('that is strict ends its session also where somebody has left it before that', async () => {
    const recording = recordingOf();
    const failures: string[] = [];
    const stream = streamOf(recording, new Gate(true), {
      recordingFailed: (why) => void failures.push(why),
    });
    stream.leave();
    recording.fail('away');
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual(['away']);
    expect(await stream.ended).toEqual({ kind: 'left' });
  });

  it('at best effort tells an exit at once, and its session goes on whatever is not stored', async () => {
    const { recording, failures, told } = await exited(false);
    expect(told()).toEqual({ kind: 'exited', code: 7 });
    recording.fail('another replica took it');
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual([]);
  });

  it('has no more output from the moment of its end: nothing is asked about a process that was closed with it', async () => {
    const asked: unknown[] = [];
    const explain = (end: ProcessEnd) => {
      asked.push(end);
      return new Promise<StreamEnd>(() => undefined);
    };
    const stream = streamOf(recordingOf(), new Gate(true), { explain });
    stream.begin(new PlayedProcess(PLACE));
    const next = stream.output[Symbol.asyncIterator]().next();
    stream.finish({ kind: 'refused', problem: problem('way-not-allowed', 'No.') });
    expect(await next).toMatchObject({ done: true });
    expect(asked).toEqual([]);
  });

  it('keeps the newest notices for one who does not read them, and not all', async () => {
    const stream = streamOf(recordingOf(), new Gate(true));
    for (let n = 1; n <= 1_000; n++) stream.tell({ kind: 'watched', text: `${n}` });
    stream.leave();
    const told: string[] = [];
    for await (const { text } of stream.notices) told.push(text);
    expect(told).toHaveLength(50);
    expect(told.at(-1)).toBe('1000');
  });
});
